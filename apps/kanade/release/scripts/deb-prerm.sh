case $1 in
  remove)
    refuse_own_job "apt-get -y remove kanade"
    end_all
    ;;
esac
