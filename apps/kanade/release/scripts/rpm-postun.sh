if [ "$1" -eq 0 ]; then
  forget_unit
  rm -f "$program.old" "$program.new" "$program.trial"
  rmdir /opt/kanade/bin /opt/kanade/share /opt/kanade 2>/dev/null || true
  say_kept "rm -rf /etc/kanade /var/lib/kanade /var/log/kanade"
fi
