#!/usr/bin/env bash
# The steps of the Makefile's targets: steps.sh test|demo|bench|bench-operator|faults|fuzz|soak|build|tidy|format.
# PRESET names the build.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
cd "$root"
support=$root/tests/support
preset=${PRESET:-release}
build=$root/build/$preset
began=$SECONDS
step=0
steps=0
child=
# Interrupted tests leave their files here, and the folder is removed.
work=$(mktemp -d)

end() {
  if [ -n "$child" ]; then
    kill -TERM -- "-$child" 2>/dev/null || true
    wait "$child" 2>/dev/null || true
  fi
  rm -rf "$work"
}
trap end EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

say() {
  step=$((step + 1))
  printf '==> step %d of %d, %d s: %s\n' "$step" "$steps" $((SECONDS - began)) "$1"
}

# Runs a command in a process group of its own, so that the whole group can be ended at any time.
run() {
  local code=0
  set -m
  "$@" </dev/null &
  child=$!
  set +m
  wait "$child" || code=$?
  child=
  return $code
}

sources() { find operator tests -name '*.h' -o -name '*.cpp'; }

packages() {
  say "packages"
  if [ "$preset" = clang ] || [ "$preset" = fuzz ]; then
    "$support/install-packages.sh" "$support/packages-clang.txt"
  else
    "$support/install-packages.sh"
  fi
}

formatting() {
  say "formatting and layering"
  if ! sources | xargs clang-format-14 --dry-run -Werror; then
    echo "make format mends this" >&2
    exit 1
  fi
  python3 tests/layering/check_layers.py operator docs/architecture.md
}

# compile [TARGET...]: builds these targets, or everything.
compile() {
  say "build, preset $preset"
  [ -e "$build/build.ninja" ] || run cmake --preset "$preset" >"$work/configure.log" 2>&1 || {
    cat "$work/configure.log" >&2
    exit 1
  }
  run cmake --build --preset "$preset" ${*:+--target "$@"}
}

# Sets KUBEBUILDER_ASSETS, where control-plane.sh and the tests look first.
controlPlane() {
  say "control plane"
  run "$support/control-plane.sh" assets >"$work/assets"
  KUBEBUILDER_ASSETS=$(cat "$work/assets")
  export KUBEBUILDER_ASSETS
}

helmBinary() {
  say "helm"
  run "$support/control-plane.sh" helm >"$work/helm"
  HELM=$(cat "$work/helm")
  export HELM
}

# unitTests, integrationTests: the whole output goes to the results folder; only failures are shown.
unitTests() {
  local log=$results/unit.log
  run ctest --test-dir "$build" -L unit -j "$(nproc)" --output-on-failure --no-tests=ignore \
    --output-junit "$results/unit.xml" >"$log" 2>&1 && return
  grep -Ev '^ *(Start|[0-9]+/[0-9]+ Test +#.* Passed)|\[ +(RUN|OK) +\]' "$log" >&2
  failed=yes
}

# These tests take long, so each is shown when it ends.
integrationTests() {
  local log=$results/integration.log
  run bash -o pipefail -c 'log=$1; shift
    "$@" 2>&1 | tee "$log" | sed -nu "s/^[0-9]*: \[ *\(OK\|FAILED\) *\] \([^ ,]* .*ms)\)$/    \1 \2/p"' - "$log" \
    ctest --test-dir "$build" -LE unit -j 2 --verbose --no-tests=ignore --output-junit "$results/integration.xml" && return
  grep -Ev '\[ +(RUN|OK) +\]|^[0-9]+: (\[-+\]|Test (command|timeout)|Working Directory|Note:|$)' "$log" >&2
  failed=yes
}

tests() {
  results=$build/results
  failed=no
  rm -rf "$results"
  mkdir -p "$results" "$work/tmp"
  export TMPDIR=$work/tmp
  say "unit tests"
  unitTests
  say "tests on a real control plane"
  integrationTests
  python3 "$support/count_tests.py" "$results" $((SECONDS - began))
  [ $failed = no ]
}

case "${1:-}" in
  test)
    steps=7
    packages
    formatting
    compile
    controlPlane
    helmBinary
    tests
    ;;
  demo)
    steps=4
    packages
    compile mpay-operator kubectl-mpay control-plane
    controlPlane
    say "demonstration"
    rm -rf "$work"
    export BIN=$build/bin
    exec tests/demo/demo.sh
    ;;
  bench)
    steps=4
    packages
    compile
    controlPlane
    say "bench: $N widgets, $REPEAT times"
    rm -f "$build/bench.jsonl"
    run python3 tests/bench/bench.py --bin "$build/bin" --n "$N" --repeat "$REPEAT" --out "$build/bench.jsonl"
    echo "each run: $build/bench.jsonl"
    ;;
  bench-operator)
    steps=4
    packages
    compile mpay-operator raw-writer control-plane
    controlPlane
    say "bench of the operator: $N forms, $VARIANT"
    rm -f "$build/bench-operator.jsonl"
    # The system's interpreter has the packages.
    run /usr/bin/python3 tests/bench/operator_bench.py --bin "$build/bin" --n "$N" --variant "$VARIANT" \
      --out "$build/bench-operator.jsonl"
    echo "each phase: $build/bench-operator.jsonl"
    ;;
  faults)
    steps=4
    packages
    compile
    controlPlane
    say "faults"
    run "$build/bin/faults"
    ;;
  fuzz)
    steps=8
    packages
    compile
    for target in certificate crl ocsp address answer signature; do
      say "$target, $FOR s"
      mkdir -p "$build/fuzz-found/$target"
      run "$build/bin/fuzz_$target" -max_total_time="$FOR" -timeout=10 -print_final_stats=1 -verbosity=0 \
        -artifact_prefix="$build/fuzz-found/$target-" "$build/fuzz-found/$target" "$build/fuzz-corpus/$target"
    done
    ;;
  soak)
    steps=4
    packages
    compile
    controlPlane
    say "soak: $N widgets, $FOR s of edits"
    run python3 tests/bench/soak.py --bin "$build/bin" --n "$N" --seconds "$FOR"
    ;;
  build)
    steps=2
    packages
    compile mpay-operator kubectl-mpay
    echo "built: $(ls -d "$build"/bin/*mpay*)"
    ;;
  tidy)
    steps=3
    packages
    compile
    say "clang-tidy"
    run run-clang-tidy-14 -quiet -p "$build" "$root/(operator|tests)/.*"
    ;;
  format)
    steps=2
    packages
    say "formatting"
    sources | xargs clang-format-14 -i
    ;;
  *)
    sed -n '2s/^# //p' "$support/steps.sh" >&2
    exit 2
    ;;
esac
