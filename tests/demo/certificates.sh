# The second part of the demonstration (make demo PART=certificates). The beneficiary is in production; its certificate
# is rotated without a refusal, and the issuer revokes the new one. Sourced by demo.sh.
overlap=20s

# Writes the authority's revocation list where the operator fetches it.
publishList() {
  openssl ca -config ca.conf -gencrl -out list.pem 2>/dev/null || die "openssl ca -gencrl"
  openssl crl -in list.pem -outform DER -out lists/model.crl.new
  mv lists/model.crl.new lists/model.crl
}

# Prepares the authority's index, a server for its list, and the environments' settings.
prepareCertificates() {
  mkdir lists
  : >ca.index
  echo 01 >ca.number
  cat >ca.conf <<END
[ca]
default_ca = model
[model]
database = ca.index
crlnumber = ca.number
certificate = ca.pem
private_key = ca.key
default_md = sha256
default_crl_days = 1
END
  publishList
  local server
  server=$(freePort)
  (cd lists && exec python3 -m http.server --bind 127.0.0.1 "$server") >lists.log 2>&1 &
  pids+=($!)
  until_ok 10 "the server of the list" curl -sf "http://127.0.0.1:$server/model.crl" -o /dev/null
  revocation="{mode: CRL, url: \"http://127.0.0.1:$server/model.crl\", interval: 5s, permitted: [127.0.0.0/8]}"
  ok "$(openssl crl -in list.pem -noout -nextupdate), at http://127.0.0.1:$server/model.crl"
}

# published ENVIRONMENT CERTIFICATE: succeeds if the gateway's files name it
published() {
  kc get configmap mpay-clients -n "mpay-$1" -o jsonpath='{.data.clients\.map}' |
    grep -q "$(openssl x509 -in "$2.pem" -outform DER | sha256sum | cut -d ' ' -f 1)"
}
gone() { ! published "$@"; }

rotate() {
  say "Rotation: the beneficiary declares a new certificate in place of the old one"
  issue renewed "/O=Agenția Model/CN=SIA Stare Civila 2" rsa
  cp renewed.pem signing.pem
  cp renewed.key signing.key
  kill -HUP "$servicePid"
  kc create configmap civil-status-system-certificate -n $namespace --from-file=certificate.cer=renewed.pem --dry-run=client -o yaml >rotated.yaml
  quiet replace -f rotated.yaml
  until_ok 20 "the new certificate in testing" published testing renewed
  reload testing
  expect 200 testing 127.0.0.10 renewed "the new certificate"
  expect 200 testing 127.0.0.10 beneficiary "the old one, beside it"
  expect 200 production 127.0.0.11 beneficiary "the old one"
  expect 403 production 127.0.0.11 renewed "the new one, which nobody validated yet"
  condition Ready False
  testedNow() {
    kc get mpi $name -n $namespace -o jsonpath='{.status.functionalTests.outcome} {.status.functionalTests.digest} {.status.testingDigest}' |
      grep -Eq '^Passed (\S+) \1$'
  }
  until_ok 20 "the functional tests of what it signs now" testedNow
  record representative@mpay.example FunctionalTesting MPayRepresentative testingDigest
  condition FunctionalTestsPassed True
  record ion.popescu@agentia.example FinalValidation Beneficiary digest
  record representative@mpay.example FinalValidation MPayRepresentative digest
  until_ok 20 "the new certificate in production" published production renewed
  reload production
  expect 200 production 127.0.0.11 renewed "the new certificate, validated and promoted"
  expect 200 production 127.0.0.11 beneficiary "the old one, beside it"
  condition Ready True
  for environment in testing production; do
    until_ok 40 "the end of the overlap in $environment" gone $environment beneficiary
  done
  reload testing
  reload production
  expect 403 testing 127.0.0.10 beneficiary "the old one, whose overlap of $overlap is over"
  expect 403 production 127.0.0.11 beneficiary "the old one"
  expect 200 production 127.0.0.11 renewed "the new one"
}

revoke() {
  say "Revocation: STISC's stand-in revokes the new certificate, and publishes a list that says so"
  openssl ca -config ca.conf -revoke renewed.pem 2>/dev/null || die "openssl ca -revoke"
  publishList
  condition CertificateTrusted False
  for environment in testing production; do
    until_ok 20 "the certificate to leave $environment" gone $environment renewed
    reload $environment
  done
  expect 403 testing 127.0.0.10 renewed "the revoked certificate"
  expect 403 production 127.0.0.11 renewed "the revoked certificate, in production too"
  condition Ready False
  until_ok 20 "the mail" mailOf "MPay: certificatul a fost revocat"
  showMail "$(mailOf "MPay: certificatul a fost revocat")"
}
