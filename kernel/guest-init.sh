#!/bin/busybox sh
# SPDX-License-Identifier: MIT
# The first process of the guest that `zcbench vm` boots. It mounts what a Linux system has, loads the
# modules that came along, runs one command, and hands output, result files and exit status to the host
# through virtio-serial ports (in user-mode Linux: serial lines). lib/guest.c is the other end; /zcbench/config says what to do:
#
#   zc_mode       run (zcbench with the arguments), script (sh with them), shell (a prompt on hvc0; UML: ttyS4)
#   zc_arguments  the arguments, quoted for eval
#   zc_cwd        the host's working folder: files have the same names on both sides
#   zc_collect    one path on each line: what goes back to the host
#   zc_token      ends each stream: a port has no end of its own
#   zc_online     CPUs to switch on: 1 2 3
#   zc_machine    kvm, tcg, uml
#   zc_net zc_tty zc_env zc_fault
#
# A line "zcbench-init: ..." on the console is shown to the user as the reason when the guest ends early.
# shellcheck disable=SC1091,SC2154 # from the host
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LANG=C.UTF-8

/bin/busybox mkdir -p /proc /sys /dev /run /tmp /root /etc /sbin /usr/sbin /usr/local/bin /var/lib
/bin/busybox --install -s
. /zcbench/config

give_up() {
	echo "zcbench-init: $*" >/dev/console
	poweroff -f
	sleep 60
}

mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs devtmpfs /dev || give_up "this kernel has no devtmpfs: it needs CONFIG_DEVTMPFS"
mkdir -p /dev/shm /dev/pts /dev/hugepages
mount -t devpts devpts /dev/pts
chmod 755 /
for i in /dev/shm /tmp /run; do
	mount -t tmpfs -o mode=1777 tmpfs $i || give_up "this kernel has no tmpfs: it needs CONFIG_TMPFS"
done
chmod 755 /run
ln -sf /proc/mounts /etc/mtab
ln -sf /proc/self/fd /dev/fd

# what is not there is not missed
for i in /zcbench/modules/*.ko; do
	case $i in
	*-null_blk.ko) insmod "$i" nr_devices=1 ;;
	*.ko) [ -e "$i" ] && insmod "$i" ;;
	esac
done
for i in fusectl:/sys/fs/fuse/connections bpf:/sys/fs/bpf tracefs:/sys/kernel/tracing debugfs:/sys/kernel/debug \
	configfs:/sys/kernel/config hugetlbfs:/dev/hugepages; do
	[ -d "${i#*:}" ] && mount -t "${i%%:*}" "${i%%:*}" "${i#*:}" 2>/dev/null
done
[ -e /sys/module/fuse/parameters/enable_uring ] && echo Y >/sys/module/fuse/parameters/enable_uring
# out of memory is the end, and is said: a killed server would only be a riddle
echo 1 >/proc/sys/vm/panic_on_oom
echo -1 2>/dev/null >/proc/sys/kernel/perf_event_paranoid
# nullb0 drops everything; nullb1 keeps it, for what reads back
if mkdir /sys/kernel/config/nullb/nullb1 2>/dev/null; then
	echo 1 >/sys/kernel/config/nullb/nullb1/memory_backed
	echo 1024 >/sys/kernel/config/nullb/nullb1/size
	echo 1 >/sys/kernel/config/nullb/nullb1/power
fi

hostname zcbench-guest
ip link set lo up
net_driver=
if [ -n "$zc_net" ]; then
	card=
	for driver in virtio_net vmxnet3; do # the last one that is there
		for i in /sys/class/net/*; do
			[ "$(readlink -f "$i/device/driver" | sed 's:.*/::')" != $driver ] || card=${i##*/} net_driver=$driver
		done
	done
	[ -n "$card" ] || give_up "no network: this kernel has neither vmxnet3 nor virtio-net, of which --net needs one (CONFIG_VMXNET3, CONFIG_VIRTIO_NET)"
	ip address add 10.0.2.15/24 dev "$card"
	ip link set "$card" up
	ip route add default via 10.0.2.2
	echo nameserver 10.0.2.3 >/etc/resolv.conf
fi

# Prints the device of a port; the names come a moment after the devices.
port() {
	local p tries=100
	if [ "$zc_machine" = uml ]; then
		case $1 in out) p=0 ;; err) p=1 ;; files) p=2 ;; control) p=3 ;; esac
		stty -F /dev/ttyS$p raw -echo 2>/dev/null && echo /dev/ttyS$p
		return
	fi
	while [ $tries -gt 0 ]; do
		for p in /sys/class/virtio-ports/*; do
			if [ "$(cat "$p/name" 2>/dev/null)" = "zcbench.$1" ]; then
				echo "/dev/${p##*/}"
				return
			fi
		done
		tries=$((tries - 1))
		usleep 100000
	done
}
# 3 standard output, 4 standard error, 5 control, 6 result files
out=$(port out)
[ -n "$out" ] || give_up "this kernel has no channel to the host: it needs CONFIG_VIRTIO_CONSOLE and CONFIG_VIRTIO_PCI (user-mode Linux: CONFIG_SSL)"
exec 3>"$out" 4>"$(port err)" 5>"$(port control)" 6>"$(port files)"

[ "$net_driver" != virtio_net ] || echo "zcbench: warning: --net through virtio-net, which has no checksum offload in QEMU's user-mode network: what is sent by reference is copied late; a kernel with CONFIG_VMXNET3 does better" >&4
[ "$zc_fault" != hang ] || while :; do :; done

# What the user named on the command line came along; /tmp and others were only mounted now.
[ ! -d /zcbench/files ] || cp -a /zcbench/files/. /
mkdir -p "$zc_cwd"
cd "$zc_cwd" || give_up "cannot enter $zc_cwd"
eval "$zc_env"
eval "set -- $zc_arguments"

# collect FIND-ARGS...: sends what is there
collect() {
	echo "$zc_collect" | (cd / && while read -r p; do
		[ -n "$p" ] && [ -e "$p" ] && find "${p#/}" "$@"
	done | cpio -o -H newc 2>/dev/null) >&6
}

# emulated CPUs come one by one, when the kernel is up (see lib/qemu.h), and what counts events is in place
[ -z "$zc_online" ] || zcbench hold-events 3>&- 4>&- 5>&- 6>&-
for i in $zc_online; do
	echo 1 >"/sys/devices/system/cpu/cpu$i/online"
done

# Shows the host that we live, and sends results as they grow, so that a panic later loses none.
beat() {
	touch -d @0 /zcbench/sent
	while ! read -r -t 5 _ <&7; do
		echo alive >&5
		touch /zcbench/now
		if echo "$zc_collect" | while read -r p; do
			[ -n "$p" ] && [ -d "$p" ] && find "$p" -name result.json -newer /zcbench/sent
		done | grep -q .; then
			mv /zcbench/now /zcbench/sent
			collect -name result.json
		fi
	done
}
mkfifo /zcbench/wake
exec 7<>/zcbench/wake
beat &
beat=$!
echo "ready $(uname -r)" >&5

case $zc_fault in
panic)
	echo c >/proc/sysrq-trigger
	;;
oom)
	mount -o remount,size=100% /tmp
	dd if=/dev/zero of=/tmp/full bs=1M 2>/dev/null
	;;
esac
case $zc_mode in
run) zcbench "$@" <"/dev/null" >&3 2>&4 3>&- 4>&- 5>&- 6>&- 7>&- ;;
script) sh "$@" <"/dev/null" >&3 2>&4 3>&- 4>&- 5>&- 6>&- 7>&- ;;
shell)
	# (a script on standard input comes as a file, with mode script)
	terminal=/dev/hvc0
	[ "$zc_machine" != uml ] || terminal=/dev/ttyS4
	[ -c $terminal ] || give_up "this kernel has no $terminal: it needs CONFIG_VIRTIO_CONSOLE"
	# shellcheck disable=SC2086
	stty $zc_tty <$terminal
	PS1='zcbench-guest:\w# ' setsid sh -c "exec sh <$terminal >$terminal 2>&1" 3>&- 4>&- 5>&- 6>&- 7>&-
	;;
esac
status=$?

echo over >&7
wait $beat
collect
for i in 3 4 6; do
	echo -n "$zc_token" >&$i
done
echo "exit $status" >&5
# the host ends the guest once it has everything
sleep 60
poweroff -f
