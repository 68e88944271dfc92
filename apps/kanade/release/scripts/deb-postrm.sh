case $1 in
  remove)
    if has_systemd; then systemctl daemon-reload || true; fi
    rm -f "$program.old" "$program.new" "$program.trial"
    rmdir /opt/kanade/bin /opt/kanade/share /opt/kanade 2>/dev/null || true
    say_kept "apt-get purge kanade"
    ;;
  purge) purge_all ;;
esac
