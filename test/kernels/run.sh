#!/bin/sh
# Runs a command under another kernel: in a virtual machine that boots a Debian kernel package and sees this machine's
# files as they are, below a layer in memory that takes what is written. So the checkout, its node_modules and Node itself
# are the ones at hand, and what is tried there is what is developed here.
#
#   test/kernels/run.sh KERNEL [COMMAND...]     from the checkout; without a command: the tests of the tiers that see a kernel
#
# KERNEL is a package file (linux-image-*.deb), the name of a package that apt can download, or a folder (written with a / at
# its end) into which several were unpacked. APT_CONFIG may name the configuration of an apt that knows other
# releases than this machine's. Answers with the command's exit status.
# Needs root, qemu-system-x86, busybox-static and kmod.
set -eu

usage() {
  sed -n '2,/^set /{/^#/s/^# \{0,1\}//p}' "$0" >&2
  exit 2
}
[ $# -ge 1 ] || usage
kernel=$1
shift
for tool in qemu-system-x86_64 busybox depmod modprobe cpio dpkg-deb; do
  command -v "$tool" >/dev/null || { echo "$0: $tool is not installed" >&2; exit 2; }
done
checkout=$(cd "$(dirname "$0")/../.." && pwd)
# An imitated processor is some twenty times slower: few random cases, and patience.
patience=1
[ -w /dev/kvm ] || patience=20
[ $# -gt 0 ] || set -- env PROBEWRIGHT_SOAK=20 node node_modules/vitest/vitest.mjs run --project system \
  --reporter=verbose test/native test/kernel

cache=${XDG_CACHE_HOME:-$HOME/.cache}/probewright/kernels
case $kernel in
  */) unpacked=${kernel%/} ;;
  *)
    mkdir -p "$cache"
    package=$kernel
    if [ "${kernel%.deb}" = "$kernel" ]; then
      package=$(find "$cache" -name "${kernel}_*.deb")
      [ -n "$package" ] || (cd "$cache" && apt-get -q download "$kernel")
      package=$(find "$cache" -name "${kernel}_*.deb")
    fi
    unpacked=$cache/$(basename "$package" .deb)
    if [ ! -d "$unpacked" ]; then
      dpkg-deb -x "$package" "$unpacked.new"
      mv "$unpacked.new" "$unpacked"
    fi
    ;;
esac
[ -d "$unpacked/lib" ] || ln -s usr/lib "$unpacked/lib"
release=$(basename "$(echo "$unpacked"/lib/modules/*)")
image=$unpacked/boot/vmlinuz-$release
[ -e "$image" ] || image=$unpacked/lib/modules/$release/vmlinuz
[ -e "$unpacked/lib/modules/$release/modules.dep" ] || depmod -b "$unpacked" "$release"

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM

# The first root holds busybox and what the kernel needs to see the real one.
root=$work/root
mkdir -p "$root/bin" "$root/lib" "$root/proc" "$root/mnt" "$root/host" "$root/memory"
cp "$(command -v busybox)" "$root/bin/busybox"
for module in virtio_pci 9pnet_virtio 9p overlay; do
  # What is no file is in the kernel itself, which newer packages have no list of.
  grep -q "/$module\.ko" "$unpacked/lib/modules/$release/modules.dep" || continue
  modprobe -d "$unpacked" -S "$release" --show-depends "$module" || exit
done | while read -r action file _; do
  [ "$action" = insmod ] || continue
  name=$(basename "$file")
  [ ! -e "$root/lib/${name%.xz}" ] || continue
  case $name in
    *.xz) xz -dc "$file" >"$root/lib/${name%.xz}" ;;
    *) cp "$file" "$root/lib/$name" ;;
  esac
  echo "/lib/${name%.xz}" >>"$root/lib/order"
done

quoted=
for word; do quoted="$quoted '$(printf %s "$word" | sed "s/'/'\\\\''/g")'"; done
cat >"$root/run" <<END
cd '$checkout'
export HOME=/root PATH='$PATH' REQUIRE_KERNEL=1 PROBEWRIGHT_PATIENCE=$patience CI=${CI-}
exec $quoted
END

cat >"$root/init" <<'END'
#!/bin/busybox sh
mount() { busybox mount -t "$@"; }
mount proc proc /proc
while read -r module; do busybox insmod "$module"; done </lib/order
mount 9p -o ro,trans=virtio,version=9p2000.L,cache=loose,msize=524288 host /host
mount tmpfs -o size=75% memory /memory
busybox mkdir /memory/upper /memory/work
mount overlay -o lowerdir=/host,upperdir=/memory/upper,workdir=/memory/work root /mnt
busybox cp /run /mnt/.run
mount proc proc /mnt/proc
mount sysfs sysfs /mnt/sys
mount cgroup2 cgroup2 /mnt/sys/fs/cgroup
mount tracefs tracefs /mnt/sys/kernel/tracing
mount debugfs debugfs /mnt/sys/kernel/debug
mount devtmpfs dev /mnt/dev
busybox mkdir -p /mnt/dev/pts /mnt/dev/shm
busybox ln -s /proc/self/fd /mnt/dev/fd
for n in 0,stdin 1,stdout 2,stderr; do busybox ln -s "fd/${n%,*}" "/mnt/dev/${n#*,}"; done
mount devpts devpts /mnt/dev/pts
for folder in dev/shm tmp run; do mount tmpfs memory /mnt/$folder; done
busybox ip link set lo up
set -o pipefail
busybox chroot /mnt /bin/sh /.run 2>&1 </mnt/dev/null | busybox cat
# The device ends the machine, with what is written to its port in the status of qemu.
busybox printf "\\$(busybox printf %03o $(($? + 1)))" | busybox dd of=/mnt/dev/port bs=1 seek=244 2>/mnt/dev/null
END
chmod +x "$root/init"
(cd "$root" && find . | cpio -o -H newc --quiet | gzip -1) >"$work/initrd"

# Without hardware support processors are imitated: of them, kernels take 5-level paging for broken, and cmpxchg16b is.
accelerator="tcg,thread=multi -cpu max,-cx16,-la57"
[ ! -w /dev/kvm ] || accelerator="kvm -cpu host"
status=0
# shellcheck disable=SC2086 # two options
qemu-system-x86_64 -accel $accelerator -smp "${SMP:-2}" -m "${MEMORY:-4G}" \
  -kernel "$image" -initrd "$work/initrd" -append "console=ttyS0 quiet panic=-1 no_timer_check" \
  -virtfs local,path=/,mount_tag=host,security_model=none,readonly=on,multidevs=remap \
  -device isa-debug-exit,iobase=0xf4,iosize=1 \
  -nodefaults -nographic -no-reboot -serial stdio </dev/null || status=$?
[ $((status % 2)) -eq 1 ] && [ "$status" -gt 1 ] || { echo "$0: the machine ended early" >&2; exit 1; }
exit $(((status - 1) / 2 - 1))
