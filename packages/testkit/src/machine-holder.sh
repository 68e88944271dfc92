# Holds a machine until its input ends, which it does at the latest when the test is gone; then nothing of it is left.
# $1 = directory, $2 = name, $3 = memory|disk, $4 = a control group to be made, $5 = script of the machine,
# then paths that it does not have
dir=$1 name=$2 writes=$3 group=$4 script=$5
shift 5
mkdir "$group" || exit 1
(
  echo 0 >"$group/cgroup.procs"
  exec unshare --mount --pid --fork --kill-child=KILL --cgroup --net --uts --ipc sh "$script" "$dir" "$name" "$writes" "$@" \
    >"$dir.log" 2>&1 </dev/null
) &
echo "$!"
cat >/dev/null
# Its first process, with which all others end; unshare then ends by itself. Not the other way round: nobody would take its last word.
first=$(cat "/proc/$!/task/$!/children" 2>/dev/null)
kill -KILL "${first:-$!}" 2>/dev/null
wait
# The groups are free once the last process is.
for round in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
  find "$group" -depth -type d -exec rmdir {} + 2>/dev/null
  [ -d "$group" ] || break
  sleep 0.05
done
rm -rf "$dir" "$dir.log"
