# Installs kanade from this directory, or upgrades it.
usage="Usage: install.sh

Installs kanade from the directory that this script is in: /opt/kanade, links in /usr/bin, the unit of the agent, which is enabled and
started, and an entry that opens the Client App at login. An installed kanade is upgraded; running jobs go on. Needs root."

case ${1:-} in
  '') ;;
  -h | --help) echo "$usage" && exit 0 ;;
  *) echo "$usage" >&2 && exit 2 ;;
esac
from=$(cd "$(dirname "$0")" && pwd)

refuse() {
  say "$1" >&2
  exit 1
}

[ "$(uname -s)" = Linux ] || refuse "this is kanade for Linux"
[ "$(id -u)" -eq 0 ] || refuse "installing needs root: sudo $0"
if dpkg -S "$program" >/dev/null 2>&1; then refuse "kanade is here as a Debian package: upgrade that, or remove it first"; fi
if rpm -qf "$program" >/dev/null 2>&1; then refuse "kanade is here as an RPM package: upgrade that, or remove it first"; fi
version=$("$from/root$program" --version 2>&1) || refuse "this kanade does not run on this machine: $version"

new=new
[ ! -e "$program" ] || new=again
say "installing $version"

# Each file is whole or not there at any moment; a program that runs keeps the file that it was started from.
cd "$from/root"
find . -type d -exec mkdir -p -m 0755 "/{}" \;
find . ! -type d | while read -r file; do
  target=${file#.}
  # Settings are people's.
  case $target in /etc/*) [ ! -e "$target" ] || continue ;; esac
  cp -P "$file" "$target.new"
  [ -h "$target.new" ] || sync "$target.new"
  mv -f "$target.new" "$target"
  say "  $target"
done
begin_agent "$new"
say "installed. Settings: /etc/kanade/agent.toml; removal: /opt/kanade/share/uninstall.sh"
