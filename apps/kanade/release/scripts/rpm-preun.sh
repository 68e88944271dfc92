if [ "$1" -eq 0 ]; then
  refuse_own_job "rpm --erase kanade"
  end_all
fi
