# Sourced by packaging/run and packaging/test: brings what they need, and says what it cannot bring.
#
#   setup_system LIST…   Debian packages of packaging/system/LIST.txt, those that are missing
#   setup_unpacked       packages that cannot be installed beside each other, for the tests
#   setup_venv LOCK      .venv with exactly the packages of packaging/LOCK, and smtpadmin itself
#
# Each line of a LIST is "PROBE PACKAGE": the package is missing when the probe is. A probe that
# ends in .so or .so.N is a library, one that starts with / is a file, any other is a command.
set -euo pipefail
project=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
venv=$project/.venv

say() { printf 'smtpadmin: %s\n' "$*" >&2; }

probe_fails() {
  case $1 in
    /*) [ ! -e "$1" ] ;;
    # Not -q: a grep that stops reading ends ldconfig by SIGPIPE, which pipefail takes for a failure.
    *.so | *.so.*) ! { /sbin/ldconfig -p 2>/dev/null || ldconfig -p; } | grep -F "$1" >/dev/null ;;
    *) ! PATH=$PATH:/usr/sbin:/sbin command -v "$1" >/dev/null ;;
  esac
}

missing_packages() {
  local list probe package
  for list in "$@"; do
    while read -r probe package; do
      case $probe in '' | '#'*) continue ;; esac
      if probe_fails "$probe"; then printf '%s\n' "$package"; fi
    done <"$project/packaging/system/$list.txt"
  done | sort -u
}

as_root() {
  if [ "$(id -u)" = 0 ]; then "$@"; else sudo -n "$@"; fi
}

can_be_root() { [ "$(id -u)" = 0 ] || { command -v sudo >/dev/null && sudo -n true 2>/dev/null; }; }

# A Debian package starts its server at once; the tests start their own, on loopback.
without_service_starts() {
  local policy=/usr/sbin/policy-rc.d made=
  if [ ! -e $policy ]; then
    printf '#!/bin/sh\nexit 101\n' | as_root tee $policy >/dev/null
    as_root chmod 755 $policy
    made=yes
  fi
  "$@" || { [ -z "$made" ] || as_root rm -f $policy; return 1; }
  [ -z "$made" ] || as_root rm -f $policy
}

# What the Debian package asks when it is installed; "No configuration" makes no main.cf and starts nothing.
preseed_answers() {
  case " $* " in
    *" postfix "*) printf 'postfix postfix/main_mailer_type select No configuration\n' | as_root debconf-set-selections ;;
  esac
}

apt_install() {
  as_root env DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=600 -qq update &&
    preseed_answers "$@" &&
    as_root env DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=600 -y -qq \
      --no-install-recommends install "$@" >/dev/null
}

# setup_system essential|optional LIST…
setup_system() {
  local need=$1 missing
  shift
  missing=$(missing_packages "$@" | tr '\n' ' ')
  [ -n "${missing// /}" ] || return 0
  if ! command -v apt-get >/dev/null; then
    say "these Debian packages, or their like, are missing: $missing"
  elif can_be_root; then
    say "installing $missing"
    # shellcheck disable=SC2086
    without_service_starts apt_install $missing && return 0
    say "apt-get could not install: $missing"
  else
    say "system packages are missing. Run this line, then this command again:"
    printf '  sudo apt-get install --no-install-recommends %s\n' "$missing" >&2
  fi
  [ "$need" = optional ] || exit 1
  say "going on without them; what needs them is skipped and says so"
}

# Packages of packaging/system/unpacked.txt, unpacked under a cache folder outside the checkout; the
# tests look there. Optional: what needs a package that is not there is skipped and says so.
setup_unpacked() {
  local cache=${XDG_CACHE_HOME:-$HOME/.cache}/smtpadmin-tests program packages
  command -v apt-get >/dev/null || { say "no apt-get: tests with unpacked packages are skipped"; return 0; }
  while read -r program packages; do
    case $program in '' | '#'*) continue ;; esac
    [ ! -x "$cache/$program/usr/sbin/$program" ] || continue
    say "unpacking $packages"
    # shellcheck disable=SC2086
    unpack "$cache/$program" $packages || say "could not unpack $packages; what needs them is skipped"
  done <"$project/packaging/system/unpacked.txt"
  # Its user's name is compiled into Exim, which does not start without.
  getent passwd Debian-exim >/dev/null || ! can_be_root ||
    as_root useradd -r -d /nonexistent -s /usr/sbin/nologin -U Debian-exim ||
    say "there is no user Debian-exim; tests with Exim are skipped"
}

# unpack FOLDER PACKAGE…: appears whole or not at all.
unpack() {
  local folder=$1 work deb
  shift
  mkdir -p "$(dirname "$folder")"
  work=$(mktemp -d "$folder.XXXXXX")
  chmod 755 "$work"
  if (cd "$work" && { apt-get -qq download "$@" || { as_root apt-get -qq update && apt-get -qq download "$@"; }; }) >/dev/null 2>&1 &&
    for deb in "$work"/*.deb; do dpkg -x "$deb" "$work/root" || return 1; done; then
    rm -rf "$folder"
    mv "$work/root" "$folder"
    rm -rf "$work"
  else
    rm -rf "$work"
    return 1
  fi
}

look_for_python() {
  local candidate
  for candidate in "${PYTHON:-}" python3.13 python3.12 python3.11 python3; do
    if [ -n "$candidate" ] && command -v "$candidate" >/dev/null &&
      "$candidate" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 15))' 2>/dev/null; then
      printf '%s\n' "$candidate"
      return 0
    fi
  done
  return 1
}

# Debian 12 and later and Ubuntu 24.04 have it as python3, Ubuntu 22.04 as python3.11.
find_python() {
  local name
  look_for_python && return 0
  if command -v apt-get >/dev/null && can_be_root; then
    for name in python3 python3.11; do
      say "installing $name"
      apt_install "$name" "$name-venv" && look_for_python && return 0
    done
  fi
  say "Python 3.11 or newer is needed and was not found. Install it (Debian: apt-get install python3), or name it: PYTHON=/path/to/python3.12 $0"
  return 1
}

ensure_venv_module() {
  "$1" -c 'import venv, ensurepip' 2>/dev/null && return 0
  local package
  package=$("$1" -c 'import sys; print("python%d.%d-venv" % sys.version_info[:2])')
  if command -v apt-get >/dev/null && can_be_root; then
    say "installing $package"
    apt_install "$package" && return 0
  fi
  say "$1 cannot make virtual environments. Run: sudo apt-get install $package"
  return 1
}

setup_venv() {
  local lock=$project/packaging/$1 python stamp
  python=$(find_python)
  # The dev lock holds everything of the other, so an environment made from it serves both.
  stamp=$(cat "$lock" "$project/pyproject.toml" | cksum | tr -d ' ')
  if [ -x "$venv/bin/python" ] && grep -qsx "$1 $stamp" "$venv/smtpadmin-locks"; then return 0; fi
  ensure_venv_module "$python"
  [ -x "$venv/bin/python" ] || "$python" -m venv "$venv"
  say "installing the Python packages of packaging/$1"
  "$venv/bin/python" -m pip install -q --disable-pip-version-check --require-hashes -r "$lock"
  "$venv/bin/python" -m pip install -q --disable-pip-version-check --no-deps --no-build-isolation -e "$project"
  if [ "$1" = requirements-dev.lock ]; then
    printf 'requirements.lock %s\n' "$(cat "$project/packaging/requirements.lock" "$project/pyproject.toml" | cksum | tr -d ' ')" >"$venv/smtpadmin-locks"
  else
    : >"$venv/smtpadmin-locks"
  fi
  printf '%s %s\n' "$1" "$stamp" >>"$venv/smtpadmin-locks"
}
