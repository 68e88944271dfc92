# What installing and removing has in common for .deb, .rpm and .tar.gz. Part of every script below, which is made of this and of its own.
unit=kanade-agent.service
program=/opt/kanade/bin/kanade

say() { echo "kanade: $*"; }

has_systemd() { [ -d /run/systemd/system ] && command -v systemctl >/dev/null; }

# The administrator of an image may forbid that packages start anything.
may_start() {
  [ -x /usr/sbin/policy-rc.d ] || return 0
  answer=0
  /usr/sbin/policy-rc.d kanade-agent start >/dev/null 2>&1 || answer=$?
  [ "$answer" -ne 101 ]
}

# begin_agent new|again: new = nothing of ours was here before.
begin_agent() {
  if [ "$1" = new ] && command -v systemctl >/dev/null; then systemctl --quiet enable "$unit" || true; fi
  if ! has_systemd; then
    say "no systemd runs here: the agent is started by hand, with $program agent"
    return 0
  fi
  systemctl daemon-reload
  if ! may_start; then
    say "the policy of this machine (policy-rc.d) forbids to start the agent: systemctl start kanade-agent"
  elif systemctl --quiet is-active "$unit" || systemctl --quiet is-enabled "$unit"; then
    systemctl restart "$unit" || say "the agent does not start: systemctl status kanade-agent"
  else
    say "the agent is switched off here and stays so: systemctl enable --now kanade-agent"
  fi
}

# Would a removal end the very job that it runs in?
is_own_job() { grep -q "/$unit" /proc/self/cgroup; }

refuse_own_job() {
  is_own_job || return 0
  say "this removal is a job of the agent that it would end. Run it outside of kanade:" >&2
  say "  systemd-run --collect $1" >&2
  exit 1
}

# Ends the agent and, because nobody could end them later, its jobs; then whatever else runs this program.
end_all() {
  if has_systemd; then systemctl stop "$unit" || true; fi
  end_jobs
  end_group
  end_programs
}

# By kanade itself, so that each ending is on record.
end_jobs() {
  AGENT_EXEC_ROOT=/var/lib/kanade/jobs
  export AGENT_EXEC_ROOT
  [ -x "$program" ] && [ -d "$AGENT_EXEC_ROOT" ] || return 0
  ids=$("$program" list --all --state running --limit 0 2>/dev/null | grep -o '"job_id":"[^"]*"' | cut -d'"' -f4) || true
  for id in $ids; do
    "$program" kill "$id" >/dev/null 2>&1 || true
    say "ended job $id, which was running"
  done
}

# What jobs have left behind in the control group of the agent.
end_group() {
  for mount in /sys/fs/cgroup /sys/fs/cgroup/unified /sys/fs/cgroup/systemd; do
    [ -d "$mount/system.slice/$unit" ] || continue
    for round in 1 2 3 4 5; do
      pids=$(find "$mount/system.slice/$unit" -name cgroup.procs -exec cat {} + 2>/dev/null) || true
      [ -n "$pids" ] || break
      [ "$round" -gt 1 ] || say "ended what jobs had left running"
      for pid in $pids; do kill -KILL "$pid" 2>/dev/null || true; done
      sleep 0.1
    done
  done
}

# Client Apps, servers and keepers of people. Jobs that people started themselves are programs of theirs: those go on.
pids_of_program() {
  for process in /proc/[0-9]*; do
    case $(readlink "$process/exe" 2>/dev/null) in
      "$program" | "$program (deleted)" | "$program.old" | "$program.old (deleted)") ;;
      *) continue ;;
    esac
    # One in a container has its program at the same path, and is none of ours.
    [ "$(readlink "$process/ns/pid")" = "$(readlink /proc/self/ns/pid)" ] || continue
    echo "${process#/proc/}"
  done
}

end_programs() {
  for round in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 26 27 28 29 30; do
    pids=$(pids_of_program)
    [ -n "$pids" ] || return 0
    [ "$round" -gt 1 ] || say "ending what else runs kanade: Client Apps, servers, keepers of people's jobs"
    signal=TERM
    [ "$round" -le 25 ] || signal=KILL
    for pid in $pids; do kill "-$signal" "$pid" 2>/dev/null || true; done
    sleep 0.2
  done
}

forget_unit() {
  rm -f "/etc/systemd/system/multi-user.target.wants/$unit"
  if has_systemd; then
    systemctl daemon-reload || true
    systemctl reset-failed "$unit" 2>/dev/null || true
  fi
}

say_kept() {
  say "kept: settings in /etc/kanade, data in /var/lib/kanade, logs in /var/log/kanade. To remove these, too: $1"
}

# Everything that we, or the agent, ever wrote on this machine.
purge_all() {
  forget_unit
  rm -rf /etc/kanade /var/lib/kanade /var/log/kanade /opt/kanade /run/kanade "/etc/systemd/system/$unit.d"
  say "removed settings, data and logs"
}
