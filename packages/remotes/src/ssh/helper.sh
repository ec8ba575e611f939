# The far end of the ssh transport where no usr is installed: POSIX sh and coreutils (GNU or busybox). It reads requests on stdin and writes
# replies to stdout (wire.ts says how they look). Paths arrive as data, one per line, relative to the root, and never begin a word of a command.
LC_ALL=C
export LC_ALL
unset CDPATH IFS
IFS= read -r nonce || exit 65
IFS= read -r server || exit 65
if [ "$server" = auto ] && command -v usr >/dev/null 2>&1; then
  usr serve-remote --protocol 1 --marker "$nonce" 2>/dev/null
  # 1, 2, 126, 127: another program of that name, or one too old. It has read nothing.
  case $? in 1 | 2 | 126 | 127) ;; *) exit 0 ;; esac
fi
nl='
'
mark=$(printf '\001')
# The last listings: one number and text for each of three folders.
listings=0 number1=none number2=none number3=none

# reply CODE TEXT: the last line of a reply
reply() {
  printf '%s %s\n' "$1" "${2%%"$nl"*}"
}

# failed TEXT: what a tool said, as the last line of a reply
failed() {
  case $1 in
  *'o space left'* | *'uota exceeded'*) code=FULL ;;
  *'ead-only file system'*) code=READ_ONLY ;;
  *'ermission denied'* | *'not permitted'*) code=PERMISSION ;;
  *'ot a directory'* | *'s a directory'* | *'name too long'*) code=PATH_INVALID ;;
  *'ile exists'*) code=EXISTS ;;
  *'o such file'*) code=NOT_FOUND ;;
  *'oo many open files'*) code=TOO_MANY_FILES ;;
  *) code=IO ;;
  esac
  reply "$code" "$1"
}

# exact N: N bytes of stdin, and not one more
exact() {
  case $exact in
  head) head -c "$1" ;;
  dd)
    if [ "$1" -ge 65536 ]; then dd bs=65536 count=$(($1 / 65536)) iflag=fullblock 2>/dev/null; fi
    if [ $(($1 % 65536)) -gt 0 ]; then dd bs=$(($1 % 65536)) count=1 iflag=fullblock 2>/dev/null; fi
    ;;
  *) dd bs=1 count="$1" 2>/dev/null ;;
  esac
}

# body N FILE: the next N bytes of stdin at the end of FILE. They are taken from stdin also where the file cannot take them.
body() {
  said=$(exact "$1" | { cat >>"$2" || cat >/dev/null; } 2>&1)
}

# inside PATH: its folder, or the part of it that exists, is in the root. Else replies.
inside() {
  folder=$1
  while :; do
    case $folder in */*) folder=${folder%/*} ;; *) return 0 ;; esac
    if cd -P "./$folder" 2>/dev/null; then
      real=$PWD
      cd -P "$root/" || exit 74
      case $real/ in "$root"/*) return 0 ;; esac
      reply PATH_INVALID "$1 leaves the root through a symbolic link (to $real)."
      return 1
    fi
  done
}

# ready PATH: its folder exists. Else replies.
ready() {
  inside "$1" || return 1
  case $1 in */*) ;; *) return 0 ;; esac
  [ -d "./${1%/*}" ] && return 0
  if said=$(mkdir -p "./${1%/*}" 2>&1); then
    flush "$1" && return 0
    reply IO "$said"
  else
    case $said in *'ile exists'*) reply PATH_INVALID "$said" ;; *) failed "$said" ;; esac
  fi
  return 1
}

# flush PATH: the names in its folder and the folders above it are on stable storage
flush() {
  if [ "$sync" = all ]; then
    sync
    return 0
  fi
  folder=$1
  set -- .
  while :; do
    case $folder in */*) folder=${folder%/*} ;; *) break ;; esac
    [ -d "./$folder" ] && set -- "$@" "./$folder"
  done
  said=$(sync "$@" 2>&1)
}

# settle FILE: its bytes are on stable storage
settle() {
  if [ "$sync" = all ]; then sync; else said=$(sync "$1" 2>&1); fi
}

# meta FILE: sets meta to inode|size|seconds|date with nanoseconds, of the file a link leads to
meta() {
  meta=$(stat -L -c '%i|%s|%Y|%y' "$1" 2>&1)
}

# etag FILE: sets etag as the other end spells it; empty where there is no file
etag() {
  etag=
  meta "$1" || return 0
  date=${meta##*|}
  case $date in *.*) date=${date#*.} ;; *) date=000000000 ;; esac
  rest=${meta#*|}
  rest=${rest#*|}
  etag=${meta%%|*}-$(stat -L -c %s "$1")-${rest%%|*}${date%% *}
}

# part FILE OFFSET LENGTH: that piece of the file
part() {
  if [ "$2" -eq 0 ]; then
    head -c "$3" <"$1"
  elif [ $(($2 % 65536)) -eq 0 ]; then
    dd if="$1" bs=65536 skip=$(($2 / 65536)) 2>/dev/null | head -c "$3"
  else
    dd if="$1" bs=65536 skip=$(($2 / 65536)) 2>/dev/null | tail -c +$(($2 % 65536 + 1)) | head -c "$3"
  fi
}

# sum FILE...: digest and name, a line each; of stdin where there is no FILE
sum() {
  case $sha256 in
  sha256sum) sha256sum "$@" ;;
  shasum) shasum -a 256 "$@" ;;
  *) openssl dgst -sha256 -r "$@" ;;
  esac
}

# hello BASE: from here on paths are relative to BASE
do_hello() {
  for tool in cat dd df find head ln ls mkdir mv readlink rm rmdir sort stat sync tail uniq; do
    command -v "$tool" >/dev/null 2>&1 || { reply TOOL_MISSING "$tool"; return; }
  done
  if ! cd -P "$a1/" 2>/dev/null; then
    said=$(ls -d "$a1/." 2>&1)
    failed "${said:-$a1: No such file or directory}"
    return
  fi
  root=$PWD
  [ "$root" = / ] && root=
  if [ "$(printf abcd | { head -c 2 >/dev/null 2>&1; cat; })" = cd ]; then
    exact=head
  elif [ "$(printf abcd | { dd bs=2 count=1 iflag=fullblock >/dev/null 2>&1; cat; })" = cd ]; then
    exact=dd
  else
    exact=bytes
  fi
  if sync . >/dev/null 2>&1; then sync=file; else sync=all; fi
  sha256=none
  for tool in openssl shasum sha256sum; do
    command -v "$tool" >/dev/null 2>&1 && sha256=$tool
  done
  lock=none
  if command -v flock >/dev/null 2>&1; then
    if [ . -ef /dev/fd/3 ] 3<.; then lock=flock; fi
  fi
  slots='5 6 7 8 9'
  if [ -n "$({ printf x | gzip -c | base64; } 2>/dev/null)" ]; then gzip=yes; else gzip=no; fi
  printf '=exact %s\n=sync %s\n=sha256 %s\n=lock %s\n' "$exact" "$sync" "$sha256" "$lock"
  reply ok "$root/"
}

# list FOLDER KNOWN: every file below it, every link by its name, and ! with the inode for every name that cannot be spelt in a line. Where the other end knows
# an earlier listing of the folder, by its number, the lines that only one of the two has follow a ^. Replies the number of this listing.
do_list() {
  walk || return
  number=0
  if [ ${#now} -gt 2000 ]; then
    listings=$((listings + 1))
    number=$listings
  fi
  case $a2 in
  "$number1") before=$listing1 slot=1 ;;
  "$number2") before=$listing2 slot=2 ;;
  "$number3") before=$listing3 slot=3 ;;
  *) a2=0 slot=$((listings % 3 + 1)) ;;
  esac
  if [ "$a2" -gt 0 ]; then
    printf '^\n'
    printf '%s\n%s\n' "$before" "$now" | sort | uniq -u | pack
  else
    printf '%s\n' "$now" | pack
  fi
  if [ $number -gt 0 ]; then eval "number$slot=\$number listing$slot=\$now"; fi
  reply ok "$number"
}

# walk: sets now to the lines of a listing of a1. What goes meanwhile is not there; any other trouble is an error, for a folder that cannot be read
# is not empty. Else replies.
walk() {
  now=
  if [ "$a1" != . ] && cd -P "./$a1" 2>/dev/null; then
    real=$PWD
    cd -P "$root/" || exit 74
    if [ "$real" != "$root/$a1" ]; then
      reply PATH_INVALID "$a1 is reached through a symbolic link, which listings do not follow."
      return 1
    fi
  elif [ ! -d "./$a1" ]; then
    said=$(ls -d "./$a1" 2>&1) && return 0
    case $said in *'o such file'* | *'ot a directory'*) return 0 ;; esac
    failed "$said"
    return 1
  fi
  start=./$a1
  [ "$a1" = . ] && start=.
  for tries in 1 2 3 4 5; do
    # Errors come marked, and may stand within a line: such a listing is not used.
    now=$({
      find "$start" -path ./lost+found -prune -o -name '*[[:cntrl:]]*' -prune -exec stat -c '!%i' {} + \
        -o -type f -exec stat -c '=%i|%s|%Y|%y|%n' {} + -o -type l -exec stat -c '@%n' {} + 2>&1 >&3 |
        while IFS= read -r line; do printf '\001%s\n' "$line"; done
    } 3>&1)
    case $now in *"$mark"*) ;; *) return 0 ;; esac
    rest=$now
    while :; do
      case $rest in *"$mark"*) rest=${rest#*"$mark"} ;; *) break ;; esac
      line=${rest%%"$nl"*}
      case $line in *'o such file'*) ;; *) failed "$line"; return 1 ;; esac
    done
  done
  reply IO "$a1 does not stand still."
  return 1
}

# pack: lines from stdin to stdout, smaller where that can be done
pack() {
  if [ "$gzip" = yes ]; then
    gzip -c | base64 | while IFS= read -r line; do printf '%%%s\n' "$line"; done
  else
    cat
  fi
}

# open PATH: what it is. The inode stands for it in what is read later.
do_open() {
  inside "$a1" || return
  if [ -h "./$a1" ]; then
    real=$(readlink -f "./$a1")
    case $real in
    "$root"/*) ;;
    *) reply PATH_INVALID "$a1 leaves the root through a symbolic link (to $real)."; return ;;
    esac
  fi
  if meta "./$a1"; then
    if [ -f "./$a1" ]; then reply ok "$meta"; else reply NOT_FOUND; fi
  else
    case $meta in *'ot a directory'*) reply NOT_FOUND ;; *) failed "$meta" ;; esac
  fi
}

# read PATH INODE OFFSET LENGTH HANDLE: always LENGTH bytes, and then whether they were the ones that were meant
do_read() {
  printf '+%s\n' "$a4"
  if [ "$a4" -gt 0 ]; then { part "./$a1" "$a3" "$a4"; cat /dev/zero; } 2>/dev/null | head -c "$a4"; fi
  still
}

do_close() {
  reply ok
}

# still TEXT: the file a1 has the inode a2, and a3 + a4 bytes at least. Replies.
still() {
  if meta "./$a1"; then
    rest=${meta#*|}
    if [ "${meta%%|*}" = "$a2" ] && [ "${rest%%|*}" -ge $((a3 + a4)) ]; then
      reply ok "$1"
    else
      reply CONFLICT "$a1 was replaced or cut while it was read."
    fi
  else
    case $meta in *'o such file'*) reply CONFLICT "$a1 went away while it was read." ;; *) failed "$meta" ;; esac
  fi
}

# digest PATH INODE OFFSET LENGTH HANDLE
do_digest() {
  if [ "$sha256" = none ]; then
    reply NOT_SUPPORTED 'no sha256sum, shasum or openssl'
    return
  fi
  digest=$({ part "./$a1" "$a3" "$a4" | sum; } 2>/dev/null)
  still "${digest%% *}"
}

# digests PATH...: of whole files, and what each is now. One that is gone is left out.
do_digests() {
  if [ "$sha256" = none ]; then
    reply NOT_SUPPORTED 'no sha256sum, shasum or openssl'
    return
  fi
  n=0
  while [ $n -lt "$count" ]; do
    n=$((n + 1))
    eval "set -- \"\$@\" \"./\$a$n\""
  done
  sum "$@" 2>/dev/null | while IFS= read -r line; do printf '#%s\n' "$line"; done
  stat -L -c '=%i|%s|%Y|%y|%n' "$@" 2>/dev/null
  reply ok
}

# begin TEMPORARY PATH MODE: a new, empty file beside the one that it will be
do_begin() {
  ready "$a1" || return
  if said=$({ : >"./$a1"; } 2>&1); then reply ok; else failed "$said"; fi
}

# write TEMPORARY, with a body: at its end
do_write() {
  body "$size" "./$a1"
  if [ -n "$said" ]; then failed "$said"; else reply ok; fi
}

# copy TEMPORARY FROM LENGTH: the first LENGTH bytes of FROM at its end
do_copy() {
  inside "$a2" || return
  if [ ! -f "./$a2" ]; then reply NOT_FOUND "$a2 does not exist."; return; fi
  if said=$({ head -c "$a3" <"./$a2" >>"./$a1"; } 2>&1); then reply ok; else failed "$said"; fi
}

# abort TEMPORARY
do_abort() {
  rm -f "./$a1"
  reply ok
}

# commit TEMPORARY PATH MODE SIZE: MODE is overwrite, create, or an etag. The temporary is gone afterwards, whatever comes of it.
do_commit() {
  inside "$a2" || { rm -f "./$a1"; return; }
  meta "./$a1"
  rest=${meta#*|}
  if [ "${rest%%|*}" != "$a4" ]; then
    reply IO "$a2 did not arrive whole."
  elif ! settle "./$a1"; then
    failed "$said"
  elif [ -d "./$a2" ]; then
    reply PATH_INVALID "$a2 is a folder."
  else
    publish
  fi
  rm -f "./$a1"
}

publish() {
  case $a3 in
  overwrite) said=$(mv -f "./$a1" "./$a2" 2>&1) || { failed "$said"; return; } ;;
  create) said=$(ln "./$a1" "./$a2" 2>&1) || { failed "$said"; return; } ;;
  *)
    etag "./$a2"
    if [ "$etag" != "$a3" ]; then reply CONFLICT "$a2 was changed by someone else."; return; fi
    said=$(mv -f "./$a1" "./$a2" 2>&1) || { failed "$said"; return; }
    ;;
  esac
  flush "$a2" || { failed "$said"; return; }
  meta "./$a2"
  reply ok "$meta"
}

# append PATH TEMPORARY SIZE: none of it is in the file before all of it is here
do_append() {
  meta "./$a2"
  rest=${meta#*|}
  if [ "${rest%%|*}" != "$a3" ]; then
    reply IO "The piece to append to $a1 did not arrive whole."
  elif [ -d "./$a1" ]; then
    reply PATH_INVALID "$a1 is a folder."
  else
    before=0
    meta "./$a1" && { before=${meta#*|}; before=${before%%|*}; }
    if said=$({ cat "./$a2" >>"./$a1"; } 2>&1) && settle "./$a1"; then
      if [ "$before" -gt 0 ] || flush "$a1"; then reply ok; else failed "$said"; fi
    else
      # Back to the length it had.
      [ -f "./$a1" ] && dd if=/dev/null of="./$a1" bs=1 seek="$before" 2>/dev/null
      failed "$said"
    fi
  fi
  rm -f "./$a2"
}

do_delete() {
  inside "$a1" || return
  if [ -d "./$a1" ] && [ ! -h "./$a1" ]; then reply ok; return; fi
  if said=$(rm -f "./$a1" 2>&1); then flush "$a1"; else case $said in *'ot a directory'*) ;; *) failed "$said"; return ;; esac; fi
  reply ok
}

# rename FROM TO
do_rename() {
  inside "$a1" || return
  if [ -h "./$a1" ]; then reply PATH_INVALID "$a1 is a symbolic link, which would point elsewhere from $a2."; return; fi
  if [ ! -f "./$a1" ]; then reply NOT_FOUND "$a1 does not exist."; return; fi
  if [ "$a1" = "$a2" ]; then reply ok; return; fi
  ready "$a2" || return
  if [ -d "./$a2" ]; then reply PATH_INVALID "$a2 is a folder."; return; fi
  case $a1 in */*) from=${a1%/*} ;; *) from=. ;; esac
  case $a2 in */*) to=${a2%/*} ;; *) to=. ;; esac
  if [ "$from" != "$to" ] && [ "$(stat -c %d "./$from")" != "$(stat -c %d "./$to")" ]; then
    # mv would copy, and a reader could see half a file.
    reply NOT_SUPPORTED "$a1 and $a2 are on different file systems."
    return
  fi
  if ! said=$(mv -f "./$a1" "./$a2" 2>&1); then
    # Two names of one file
    if [ "./$a1" -ef "./$a2" ]; then rm -f "./$a1"; else failed "$said"; return; fi
  fi
  if [ "./$a1" -ef "./$a2" ]; then rm -f "./$a1"; fi
  if flush "$a2" && { [ "$from" = "$to" ] || flush "$a1"; }; then reply ok; else failed "$said"; fi
}

# link FROM TO
do_link() {
  inside "$a1" || return
  if [ ! -f "./$a1" ]; then reply NOT_FOUND "$a1 does not exist."; return; fi
  ready "$a2" || return
  if [ -e "./$a2" ] || [ -h "./$a2" ]; then reply EXISTS "$a2 exists already."; return; fi
  if said=$(ln "./$a1" "./$a2" 2>&1) && flush "$a2"; then reply ok; else failed "$said"; fi
}

# lock PATH: one try; replies the slot that holds it until unlock, or until this process ends
do_lock() {
  if [ "$lock" = none ]; then reply NOT_SUPPORTED 'no flock'; return; fi
  ready "$a1" || return
  slot=${slots%% *}
  if [ -z "$slot" ]; then reply NOT_SUPPORTED 'no more than five locks at once'; return; fi
  if [ -h "./$a1" ] || [ -d "./$a1" ]; then reply PATH_INVALID "$a1 is no plain file."; return; fi
  said=$({ : >>"./$a1"; } 2>&1)
  if ! eval "command exec $slot>>\"./\$a1\"" 2>/dev/null; then failed "$said"; return; fi
  said=$(flock -n "$slot" 2>&1)
  code=$?
  if [ $code -eq 0 ]; then
    # A lock on a file that no longer has the name keeps nobody out.
    if [ "./$a1" -ef "/dev/fd/$slot" ]; then
      slots=${slots#"$slot"}
      slots=${slots# }
      reply ok "$slot"
      return
    fi
    code=1
  fi
  eval "exec $slot>&-"
  if [ $code -eq 1 ]; then reply LOCKED; else reply NOT_SUPPORTED "flock said ${said:-exit $code}"; fi
}

do_unlock() {
  eval "exec $a1>&-"
  slots="$a1${slots:+ $slots}"
  reply ok
}

# prune FOLDER
do_prune() {
  inside "$a1/" || return
  if [ -d "./$a1" ]; then
    find "./$a1" -depth -type d -exec rmdir {} \; >/dev/null 2>&1
    flush "$a1"
  fi
  reply ok
}

# space: kilobytes that are free
do_space() {
  said=$(df -Pk . 2>&1) || { failed "$said"; return; }
  # shellcheck disable=SC2086
  set -- ${said##*"$nl"}
  reply ok "$4"
}

printf '\n%s usr-remote 1 sh\n' "$nonce"
while read -r verb count size; do
  case $count$size in *[!0-9]* | '') exit 65 ;; esac
  a1= a2= a3= a4= a5= n=0
  while [ $n -lt "$count" ]; do
    n=$((n + 1))
    IFS= read -r "a$n" || exit 0
  done
  case $verb in
  hello | list | open | close | read | digest | digests | begin | write | copy | commit | abort | append | delete | rename | link | lock | unlock | prune | space) "do_$verb" ;;
  *)
    exact "$size" >/dev/null
    reply NOT_SUPPORTED "no request $verb"
    ;;
  esac
done
