# Removes kanade that install.sh has installed.
usage="Usage: uninstall.sh [--purge]

Ends the agent and its jobs and removes kanade. Settings (/etc/kanade), data (/var/lib/kanade) and logs (/var/log/kanade) are kept, unless
--purge is given. Needs root."

purge=no
case ${1:-} in
  '') ;;
  --purge) purge=yes ;;
  -h | --help) echo "$usage" && exit 0 ;;
  *) echo "$usage" >&2 && exit 2 ;;
esac

refuse() {
  say "$1" >&2
  exit 1
}

[ "$(id -u)" -eq 0 ] || refuse "removing needs root: sudo $0"
if dpkg -S "$program" >/dev/null 2>&1; then refuse "kanade is here as a Debian package: apt-get remove kanade"; fi
if rpm -qf "$program" >/dev/null 2>&1; then refuse "kanade is here as an RPM package: rpm --erase kanade"; fi
refuse_own_job "$0"

end_all
say "removing kanade"
for link in kanade agent-exec kanade-agent kanade-client; do
  [ "$(readlink "/usr/bin/$link")" != "$program" ] || rm -f "/usr/bin/$link"
done
rm -f "/usr/lib/systemd/system/$unit" /etc/xdg/autostart/kanade-client.desktop /usr/share/applications/kanade-client.desktop
forget_unit
if [ "$purge" = yes ]; then
  purge_all
else
  rm -rf /opt/kanade /run/kanade
  say_kept "rm -rf /etc/kanade /var/lib/kanade /var/log/kanade"
fi
