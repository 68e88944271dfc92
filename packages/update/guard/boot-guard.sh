#!/bin/sh
# boot-guard.sh PROGRAM DIRECTORY [STARTS]
#
# Run by a service manager before each start of PROGRAM (systemd: ExecStartPre). While a version is on trial it counts the starts in
# DIRECTORY (<data>/update), or where the link PROGRAM.trial leads, which every update makes; after STARTS of them (default 5, more than
# the version itself allows) the version has not even come as far as counting for itself: PROGRAM.old is put back. It needs nothing of
# PROGRAM and never keeps it from starting.
program=$1 directory=$2 most=${3:-5}

[ -f "$program.trial/trial.json" ] && directory=$(cd -P "$program.trial" && pwd -P)
[ -f "$directory/trial.json" ] || exit 0
printf . 2>/dev/null >>"$directory/guarded"
starts=$(wc -c 2>/dev/null <"$directory/guarded") || exit 0
[ "$starts" -gt "$most" ] || exit 0
[ -f "$program.old" ] || exit 0

# In this order: what is killed in between is done again at the next start, and the old version learns what was wrong with the new one.
cp "$directory/trial.json" "$directory/failed.new" &&
  mv -f "$directory/failed.new" "$directory/failed.json" &&
  mv -f "$program.old" "$program" &&
  rm -f "$directory/trial.json" "$directory/starts" "$directory/guarded" "$program.trial"
sync "$program" "${program%/*}" "$directory" 2>/dev/null
exit 0
