# The word is how many versions are installed now.
if [ "$1" -gt 1 ]; then begin_agent again; else begin_agent new; fi
