#!/usr/bin/env bash
# One beneficiary, from the connection form to production, against a real control plane, real nginx gateways and a real
# SMTP server. Called by `make demo`. PART=certificates adds a rotation and a revocation; KEEP=1 leaves it running.
set -euo pipefail

# An ordinary user's PATH does not have nginx.
PATH=$PATH:/usr/sbin:/sbin
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
bin=${BIN:-$root/build/release/bin}
work=$(mktemp -d "${TMPDIR:-/tmp}/mpay-demo.XXXXXX")
namespace=public-services
name=civil-status-certificates
pids=()

cleanUp() {
  local pid
  for pid in "${pids[@]}"; do kill -TERM "$pid" 2>/dev/null || true; done
  for pid in "${pids[@]}"; do wait "$pid" 2>/dev/null || true; done
  rm -rf "$work"
}
trap cleanUp EXIT
trap 'exit 130' INT TERM

if [ -t 1 ]; then bold=$'\e[1m' green=$'\e[32m' dim=$'\e[2m' plain=$'\e[0m'; else bold='' green='' dim='' plain=''; fi
began=$SECONDS
step=0
steps=13
overlap=24h
revocation='{mode: None}'
case "${PART:-}" in
  "") ;;
  certificates)
    steps=15
    . "$root/tests/demo/certificates.sh"
    ;;
  *)
    echo "PART=$PART is no part of the demonstration; certificates is one" >&2
    exit 2
    ;;
esac
say() {
  step=$((step + 1))
  printf '\n%s[%d of %d, %d s] %s%s\n' "$bold" "$step" "$steps" $((SECONDS - began)) "$1" "$plain"
}
ok() { printf '  %sok%s  %s\n' "$green" "$plain" "$1"; }
die() {
  printf '\nThe demonstration failed: %s\n' "$1" >&2
  [ ! -e "$work/operator.log" ] || { echo "The operator's last lines:" >&2; tail -n 15 "$work/operator.log" >&2; }
  exit 1
}
# until_ok SECONDS WHAT COMMAND...
until_ok() {
  local until=$((SECONDS + $1)) what=$2
  shift 2
  until "$@" >/dev/null 2>&1; do
    [ $SECONDS -lt $until ] || die "$what did not come true"
    sleep 0.1
  done
}
kc() { "$KUBECTL" --kubeconfig "$KUBECONFIG" --cache-dir "$work/cache" "$@"; }
freePort() { python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'; }
quiet() { kc "$@" >"$work/kubectl.out" 2>&1 || { cat "$work/kubectl.out" >&2; die "kubectl $1"; }; }
# condition TYPE STATUS: waits for it and shows it.
condition() {
  until_ok 20 "condition $1 to become $2" \
    kc wait mpi/$name -n $namespace --for="condition=$1=$2" --timeout=1s
  kc get mpi $name -n $namespace \
    -o jsonpath="{range .status.conditions[?(@.type==\"$1\")]}{.type}{\"|\"}{.status}{\"|\"}{.reason}{\"|\"}{.message}{end}" |
    awk -F'|' -v g="$green" -v d="$dim" -v p="$plain" '{printf "  %s%-22s %-6s%s %s\n      %s%s%s\n", ($2 == "True" ? g : ""), $1, $2, p, $3, d, $4, p}'
}

# ---- the servers --------------------------------------------------------------------------------
say "Starting etcd, kube-apiserver and kube-controller-manager"
"$bin/control-plane" "$work/cluster" ion.popescu@agentia.example representative@mpay.example >"$work/control-plane.log" 2>&1 &
pids+=($!)
until_ok 60 "the control plane" test -e "$work/cluster" -o ! -d "/proc/$!"
[ -e "$work/cluster" ] || { cat "$work/control-plane.log" >&2; die "the control plane did not start"; }
. "$work/cluster"
ok "$(kc version -o json | sed -n 's/.*"gitVersion": "\(.*\)",/\1/p' | tail -n 1), $(kc cluster-info 2>/dev/null | head -n 1 | grep -o 'https://[0-9.:]*')"

mkdir "$work/mail"
/usr/bin/python3 "$root/tests/support/mail_sink.py" "$work/mail" --user mpay --password demonstration >"$work/mail.log" 2>&1 &
pids+=($!)
until_ok 20 "the mail server" test -e "$work/mail/port"
smtp=$(cat "$work/mail/port")
ok "SMTP on port $smtp"

say "Making a PKI with openssl: STISC's stand-in, the beneficiary's certificate, and three that must not get in"
cd "$work"
issue() { # FILE SUBJECT [rsa]
  local key=(-newkey ec -pkeyopt ec_paramgen_curve:P-256)
  [ -z "${3:-}" ] || key=(-newkey rsa:2048)
  openssl req -utf8 -new "${key[@]}" -nodes -keyout "$1.key" -out "$1.csr" -subj "$2" 2>/dev/null
  openssl x509 -req -in "$1.csr" -CA ca.pem -CAkey ca.key -CAcreateserial -days 365 -out "$1.pem" -sha256 \
    -extfile <(printf 'basicConstraints=critical,CA:FALSE\nkeyUsage=critical,digitalSignature\nextendedKeyUsage=clientAuth,serverAuth\nsubjectAltName=DNS:localhost,IP:127.0.0.1\n') 2>/dev/null
}
openssl req -utf8 -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 3650 -keyout ca.key -out ca.pem -subj "/O=STISC Model/CN=Model Root CA" \
  -addext "keyUsage=critical,keyCertSign,cRLSign" 2>/dev/null
issue beneficiary "/O=Agenția Model/CN=SIA Stare Civila" rsa # it signs answers to MPay
issue mpay "/O=MPay/CN=MPay for tests" rsa
issue stranger "/O=Alta Agenție/CN=Alt Sistem"
issue user "/O=Agenția Model/CN=Maria Rusu"
issue gateway "/CN=localhost"
openssl req -utf8 -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 365 -keyout selfsigned.key -out selfsigned.pem -subj "/O=Agenția Model/CN=SIA Stare Civila" 2>/dev/null
printf 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==' | base64 -d >logo.png
ok "$(openssl x509 -in beneficiary.pem -noout -subject -issuer -nameopt RFC2253,utf8,-esc_msb | tr '\n' ' ')"
[ -z "${PART:-}" ] || prepareCertificates

say "Installing the operator: definitions, admission policies, roles; running it with its ServiceAccount's token"
quiet apply --server-side -f "$root/crds"
quiet apply -f "$root/manifests/namespace.yaml" -f "$root/manifests/rbac.yaml" -f "$root/manifests/output-namespaces.yaml"
until_ok 20 "the definitions" kc wait --for=condition=Established crd/mpayintegrations.mpay.gov.md crd/mpayenvironments.mpay.gov.md \
  crd/mpaytestrequests.mpay.gov.md --timeout=1s
quiet apply -f "$root/manifests/policies.yaml"
policiesApplied=$SECONDS
quiet -n mpay-system create configmap stisc-authorities --from-file=ca.pem=ca.pem
quiet -n mpay-system create secret tls mpay-tester --cert=mpay.pem --key=mpay.key
quiet -n mpay-system create secret generic smtp-credentials --from-literal=username=mpay --from-literal=password=demonstration
kc create token mpay-operator -n mpay-system --duration=1h >operator.token
cat >operator.kubeconfig <<END
apiVersion: v1
kind: Config
current-context: demo
clusters: [{name: demo, cluster: {server: "$(kc config view -o jsonpath='{.clusters[0].cluster.server}')", certificate-authority: "$CLUSTER/ca.pem"}}]
contexts: [{name: demo, context: {cluster: demo, user: demo}}]
users: [{name: demo, user: {tokenFile: operator.token}}]
END
"$bin/mpay-operator" --kubeconfig operator.kubeconfig >operator.log 2>&1 &
pids+=($!)
until_ok 20 "the operator" grep -q "this process leads" operator.log
ok "mpay-operator $("$bin/mpay-operator" --version) as system:serviceaccount:mpay-system:mpay-operator"

say "Creating the two environments (the examples, with an overlay for this machine)"
mkdir overlay
cp "$root/docs/examples/environments.yaml" overlay/
cat >overlay/kustomization.yaml <<END
resources: [environments.yaml]
patches:
  - target: {kind: MPayEnvironment}
    patch: |
      - {op: replace, path: /spec/trust/revocation, value: $revocation}
      - {op: add, path: /spec/trust/overlap, value: $overlap}
      - {op: replace, path: /spec/validation/signature, value: Optional}
      - {op: add, path: /spec/withdrawal, value: {delay: 5s}}
      - {op: replace, path: /spec/addresses/permitted, value: [127.0.0.0/8]}
  - target: {kind: MPayEnvironment, name: testing}
    patch: |
      - {op: add, path: /spec/tester/permitted, value: [127.0.0.0/8, "::1/128"]}
      - {op: add, path: /spec/tester/authorities, value: {configMapRef: {name: stisc-authorities, key: ca.pem}}}
  - target: {kind: MPayEnvironment}
    patch: |
      - {op: replace, path: /spec/notifications/channels/0/smtp/url, value: "smtp://127.0.0.1:$smtp"}
      - {op: replace, path: /spec/notifications/channels/0/smtp/startTLS, value: Disabled}
END
kc kustomize overlay >environments.yaml
quiet apply --server-side --validate=strict -f environments.yaml
until_ok 20 "the environments" kc wait mpe/testing mpe/production --for=condition=Ready --timeout=1s
kc get mpe | sed 's/^/  /'

say "Starting two nginx gateways, configured only from what the operator published"
fetch() { # ENVIRONMENT: writes the published objects as files, as a volume would
  local object
  for object in mpay-authorities mpay-clients mpay-allowlist; do
    kc get configmap $object -n "mpay-$1" -o json | python3 -c '
import json, sys
for key, text in json.load(sys.stdin)["data"].items():
    open(sys.argv[1] + "/" + key, "w").write(text)' "$1"
  done
}
declare -A port gatewayPid
startGateway() {
  mkdir "$1"
  fetch "$1"
  port[$1]=$(freePort)
  sed -e "s|@PORT@|${port[$1]}|g" -e "s|@FOLDER@|$work/$1|g" -e "s|@KEYS@|$work|g" "$root/tests/demo/gateway.conf" >"$1/nginx.conf"
  nginx -p "$work/$1" -c "$work/$1/nginx.conf" -e "$work/$1/error.log" -g 'daemon off;' >"$1/nginx.log" 2>&1 &
  gatewayPid[$1]=$!
  pids+=($!)
  until_ok 10 "the $1 gateway" curl -s --cacert ca.pem "https://localhost:${port[$1]}/" -o /dev/null
}
reload() {
  fetch "$1"
  kill -HUP "${gatewayPid[$1]}"
}
startGateway testing
startGateway production
ok "testing on port ${port[testing]}, production on port ${port[production]}; both load with no beneficiary"
# call ENVIRONMENT ADDRESS CERTIFICATE: prints the HTTP status
call() {
  curl -s -o "$work/answer" -w '%{http_code}' --interface "$2" --cacert ca.pem --cert "$3.pem" --key "$3.key" "https://localhost:${port[$1]}/api/invoices" || true
}
is() { [ "$(call "$2" "$3" "$4")" = "$1" ]; }
expect() { # STATUS ENVIRONMENT ADDRESS CERTIFICATE WORDS
  until_ok 5 "$2 gateway answering $1 to $5" is "$1" "$2" "$3" "$4"
  ok "$2 answers $1 to $5"
}
expect 403 testing 127.0.0.10 beneficiary "the beneficiary, who is not connected yet"
expect 403 production 127.0.0.11 beneficiary "the beneficiary, who is not connected yet"

say "The beneficiary's web service starts; so far it accepts what nobody signed, and adds wrongly"
cat >orders.json <<END
[{"key": "CS-2026-000117", "lines": [{"id": "1", "amount": "90.00"}, {"id": "2", "amount": "30.00"}]},
 {"key": "CS-2026-000118", "lines": [{"id": "1", "amount": "60.00"}]}]
END
echo "accepts-unsigned wrong-sum" >defects
cp beneficiary.pem signing.pem
cp beneficiary.key signing.key
/usr/bin/python3 -Wignore "$root/tests/support/beneficiary.py" --service-id AM-CS-01 --orders orders.json --defects-file defects \
  --certificate gateway.pem --key gateway.key --signing-certificate signing.pem --signing-key signing.key \
  --mpay-certificate mpay.pem >service.log 2>&1 &
servicePid=$!
pids+=($!)
until_ok 20 "the web service" grep -q '^https://' service.log
ok "IServiceProvider at $(cat service.log)"

say "The beneficiary applies the connection form"
quiet create namespace $namespace
quiet label namespace $namespace mpay.gov.md/tenant=true mpay.gov.md/idno=1006601000255
quiet -n $namespace create configmap civil-status-logo --from-file=logo.png=logo.png
quiet -n $namespace create configmap civil-status-system-certificate --from-file=certificate.cer=beneficiary.pem
quiet apply -f "$root/docs/examples/tenant-access.yaml"
cat >people.yaml <<END
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: beneficiary, namespace: $namespace}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: mpay-beneficiary}
subjects: [{apiGroup: rbac.authorization.k8s.io, kind: User, name: ion.popescu@agentia.example}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: reports, namespace: $namespace}
rules:
  - {apiGroups: [""], resources: [configmaps], resourceNames: [$name-functional-tests], verbs: [get]}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: reports, namespace: $namespace}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: reports}
subjects: [{apiGroup: rbac.authorization.k8s.io, kind: User, name: ion.popescu@agentia.example}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: mpay-representative}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: mpay-representative}
subjects: [{apiGroup: rbac.authorization.k8s.io, kind: User, name: representative@mpay.example}]
END
quiet apply -f people.yaml
python3 - "$root/docs/examples/public-beneficiary.yaml" user.pem "$(cat service.log)" >integration.yaml <<'END'
import re, sys
text = open(sys.argv[1]).read()
pem = open(sys.argv[2]).read().strip().replace("\n", "\n          ")
text = re.sub(r"\{\{the user's public signature certificate, PEM\}\}", lambda _: pem, text)
# The information system has loopback addresses here.
text = text.replace("addresses: [203.0.113.10, 203.0.113.16/29]", "addresses: [127.0.0.10]")
text = text.replace("addresses: [203.0.113.40]", "addresses: [127.0.0.11]")
text = text.replace("https://pay-test.agentia.example/mpay", sys.argv[3])
sys.stdout.write(text)
END
quiet apply --server-side --validate=strict -f integration.yaml
for type in PrerequisitesMet CertificateTrusted Submitted TestEnvironmentReady; do condition $type True; done

say "MPay's functional tests: what is wrong is named, mended, and tested again"
reasonOf() { [ "$(kc get mpi $name -n $namespace -o jsonpath="{.status.conditions[?(@.type==\"$1\")].reason}")" = "$2" ]; }
until_ok 20 "the functional tests" reasonOf FunctionalTestsPassed TestsFailed
condition FunctionalTestsPassed False
kc get configmap $name-functional-tests -n $namespace -o jsonpath='{.data.report\.txt}' | head -n 12 | cut -c -150 | sed 's/^/      /'
: >defects
"$bin/kubectl-mpay" test $name -n $namespace --kubeconfig "$CLUSTER/ion.popescu@agentia.example.kubeconfig" >retest.out 2>retest.err || { cat retest.err retest.out >&2; die "the functional tests of the mended service"; }
ok "mended; kubectl mpay test $name: $(head -n 2 retest.out | tr '\n' ' ')"
until_ok 20 "the representative to be awaited" reasonOf FunctionalTestsPassed AwaitingFunctionalTesting
condition FunctionalTestsPassed False

say "The testing gateway admits exactly the beneficiary"
reload testing
reload production
expect 200 testing 127.0.0.10 beneficiary "the beneficiary ($(call testing 127.0.0.10 beneficiary >/dev/null; cat answer))"
expect 403 testing 127.0.0.99 beneficiary "the beneficiary's certificate from another address"
expect 400 testing 127.0.0.10 selfsigned "a self-signed certificate with the same name"
expect 403 testing 127.0.0.10 stranger "a certificate that the same authority issued to somebody else"
expect 403 production 127.0.0.11 beneficiary "the beneficiary, before promotion"
expect 403 production 127.0.0.11 stranger "the other certificate"

say "Two people record their validations"
# No record counts before: some API server might not enforce the policies yet.
in_force() { [ $((SECONDS - policiesApplied)) -gt 11 ]; }
until_ok 15 "the admission policies to have been in force for ten seconds" in_force
record() { # USER MILESTONE ROLE DIGEST-FIELD
  local digest
  digest=$(kc get mpi $name -n $namespace -o jsonpath="{.status.$4}")
  "$bin/kubectl-mpay" validate $name -n $namespace --kubeconfig "$CLUSTER/$1.kubeconfig" --milestone "$2" --role "$3" --accept --digest "$digest" >record.out 2>&1 ||
    { cat record.out >&2; die "$1 could not record"; }
  ok "$1 as $3: $2, $(tail -n 1 record.out)"
}
record representative@mpay.example FunctionalTesting MPayRepresentative testingDigest
condition FunctionalTestsPassed True
condition Validated False
if "$bin/kubectl-mpay" validate $name -n $namespace --kubeconfig "$CLUSTER/ion.popescu@agentia.example.kubeconfig" --milestone FinalValidation \
  --role MPayRepresentative --accept --digest "$(kc get mpi $name -n $namespace -o jsonpath='{.status.digest}')" >record.out 2>&1; then
  die "the beneficiary could record as MPayRepresentative"
fi
ok "the beneficiary cannot record as MPayRepresentative: refused by the admission policy"
record ion.popescu@agentia.example FinalValidation Beneficiary digest
record representative@mpay.example FinalValidation MPayRepresentative digest

say "Promotion"
for type in Validated Promoted Notified Ready; do condition $type True; done
reload production
expect 200 production 127.0.0.11 beneficiary "the beneficiary"
expect 403 production 127.0.0.10 beneficiary "the beneficiary from its testing address"
expect 400 production 127.0.0.11 selfsigned "the self-signed certificate"
expect 403 production 127.0.0.11 stranger "the other certificate"

say "The mail that the beneficiary received"
# mailOf SUBJECT: prints the first mail with that subject
mailOf() {
  python3 - "$1" mail/*.eml <<'END'
import email, email.policy, sys
for name in sys.argv[2:]:
    if email.message_from_binary_file(open(name, "rb"), policy=email.policy.default)["Subject"] == sys.argv[1]:
        sys.exit(print(name))
sys.exit(1)
END
}
showMail() {
  python3 - "$1" <<'END'
import email, email.policy, sys
mail = email.message_from_binary_file(open(sys.argv[1], "rb"), policy=email.policy.default)
for header in ("From", "To", "Subject", "Message-ID"):
    print(f"  {header}: {mail[header]}")
print()
for line in mail.get_content().splitlines():
    print(f"  {line}")
END
}
until_ok 10 "the mail" mailOf "MPay: serviciul este conectat"
showMail "$(mailOf "MPay: serviciul este conectat")"
reached=Production/True
if [ "${PART:-}" = certificates ]; then
  rotate
  revoke
  reached=/False # no stage is reached with a revoked certificate
fi

say "Done in $((SECONDS - began)) s"
kc get mpi -A | sed 's/^/  /'
[ "$(kc get mpi $name -n $namespace -o jsonpath='{.status.stage}/{.status.conditions[?(@.type=="Ready")].status}')" = $reached ] || die "not as it should be: $reached"

if [ -n "${KEEP:-}" ]; then
  cat <<END

It goes on running. Look around in another terminal:
  export KUBECONFIG=$KUBECONFIG
  $KUBECTL describe mpi $name -n $namespace
  $KUBECTL get configmap -n mpay-production
  curl --interface 127.0.0.11 --cacert $work/ca.pem --cert $work/beneficiary.pem --key $work/beneficiary.key https://localhost:${port[production]}/
  $KUBECTL delete mpi $name -n $namespace     # testing ends at once, production after 5 s
Ctrl-C ends it.
END
  wait "${pids[0]}" || true
fi
