if [ "$1" = configure ]; then
  # The second word is the version that was set up before.
  if [ -n "${2:-}" ]; then begin_agent again; else begin_agent new; fi
fi
