# The root of a machine of its own, and systemd in it. Called in fresh namespaces: $1 = an empty directory, $2 = name of the machine,
# $3 = memory|disk, then paths that it does not have.
set -eu
mount --make-rprivate /
dir=$1 name=$2 writes=$3
shift 3
[ "$writes" = disk ] || mount -t tmpfs -o mode=755 none "$dir"
mkdir "$dir/upper" "$dir/work" "$dir/root"
# A device 0:0 hides what is below, also what somebody puts there later.
for path in "$@"; do
  mkdir -p "$dir/upper${path%/*}"
  mknod "$dir/upper$path" c 0 0
done
mount -t overlay -o "lowerdir=/,upperdir=$dir/upper,workdir=$dir/work" none "$dir/root"
cd "$dir/root"
mount -t proc none proc
mount -t sysfs none sys
mount -t cgroup2 none sys/fs/cgroup
mount -t tmpfs -o mode=755 none run
mount -t tmpfs -o mode=1777 none tmp
mount -t tmpfs -o mode=755 none dev
for device in null:1:3 zero:1:5 full:1:7 random:1:8 urandom:1:9 tty:5:0; do
  numbers=${device#*:}
  mknod -m 666 "dev/${device%%:*}" c "${numbers%:*}" "${numbers#*:}"
done
mkdir dev/pts dev/shm
mount -t devpts -o newinstance,ptmxmode=0666,mode=620 none dev/pts
ln -s pts/ptmx dev/ptmx
ln -s /proc/self/fd dev/fd

# Nothing of the host is started, and nothing that looks for hardware.
rm -rf etc/systemd/system/*.wants etc/systemd/system/*.requires usr/sbin/policy-rc.d etc/xdg/autostart
for wants in lib/systemd/system/*.target.wants/*; do
  unit=${wants##*/}
  case $unit in *.target) ;; *) ln -sfn /dev/null "etc/systemd/system/$unit" ;; esac
done
ln -sfn /lib/systemd/system/multi-user.target etc/systemd/system/default.target
head -c 16 /dev/urandom | od -An -tx1 | tr -d ' \n' >etc/machine-id
echo "$name" >etc/hostname
mkdir -p mnt/host
mount --make-private "$dir/root" 2>/dev/null || true
pivot_root . mnt/host
umount -l /mnt/host
exec env -i container=kanade-test PATH=/usr/sbin:/usr/bin:/sbin:/bin SYSTEMD_LOG_TARGET=console SYSTEMD_LOG_LEVEL=notice \
  /lib/systemd/systemd --system --show-status=0 </dev/null
