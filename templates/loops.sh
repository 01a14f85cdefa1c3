# Loop devices by whatever losetup(8) there is: that of util-linux tells what is behind them; for that of busybox it is
# looked up by its path.

# Inode of a file, and the number of its file system as the kernel writes it.
file_id() {
  set -- $(stat -L -c '%i %d' -- "$1")
  [ $# -eq 2 ] && echo "$1 $((($2 >> 8) & 0xfff)):$((($2 & 0xff) | (($2 >> 12) & 0xfff00)))"
}

# A line each: device, inode, file system; the latter are - where they can not be told.
loops() {
  if listed=$(losetup --list --noheadings --raw --output NAME,BACK-INO,BACK-MAJ:MIN 2> /dev/null); then
    [ -z "$listed" ] || echo "$listed" | sed 's/\\x20//g'
    return
  fi
  [ -d /sys/block ] || { echo 'neither losetup(8) nor sysfs tells of loop devices' >&2; return 1; }
  for at in /sys/block/loop*/loop; do
    { IFS= read -r behind < "$at/backing_file"; } 2> /dev/null || continue
    at=${at%/loop}
    echo "/dev/${at##*/} $(file_id "$behind" 2> /dev/null || echo - -)"
  done
}

# DIRECT ACCESS FILE [PATH]: `on` or `off`, `-r` or nothing. Prints the device. With what the file is called without links,
# another one that somebody put there at the moment is not kept.
attach() {
  device=$(attach_any "$1" "$2" "$3") || return
  if [ -n "${4-}" ]; then
    behind=$(cat "/sys/block/${device##*/}/loop/backing_file") || { losetup -d "$device"; return 1; }
    if [ "$behind" != "$4" ]; then
      losetup -d "$device"
      echo "aoe-lab: $3 is not served: it leads to $behind now, through a link that somebody else could have made" >&2
      return 1
    fi
  fi
  echo "$device"
}
attach_any() {
  case $(losetup --help 2>&1) in
  *--show*)
    losetup --find --show "--direct-io=$1" $2 "$3"
    return
    ;;
  esac
  [ "$1" = off ] || { echo "losetup: this one knows no direct I/O" >&2; return 1; }
  while device=$(losetup -f); do
    losetup $2 "$device" "$3" && echo "$device" && return
    # Somebody else may have been quicker.
    [ -e "/sys/block/${device##*/}/loop" ] || break
  done
  return 1
}
