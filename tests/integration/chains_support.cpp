#include <algorithm>

#include "crypto/x509.h"
#include "integration/chains.h"

namespace mpay::test {

const std::vector<Difference> kDifferences{
    {"keys",
     "The operator takes the keys and the hashes of the table above; a gateway takes all that its TLS library does."},
    {"usage",
     "A certificate of an authority, one with keyCertSign and one whose key usage lacks digitalSignature are "
     "`WrongUsage`; a gateway takes them."},
    {"policies", "A gateway does not look at policies; the operator refuses what an authority forbids by them."},
    {"form",
     "A certificate that names nobody, and extensions of a certificate that is not of version 3, are "
     "`UntrustedIssuer`; a gateway takes them."},
    {"authorities",
     "An authority without basic constraints, as of version 1, makes the environment "
     "`MalformedAuthorities`; a gateway takes a self-signed one."},
    {"length", "HAProxy takes a path of more than eight certificates; the operator and nginx do not."},
    {"sent",
     "A gateway takes the first intermediate that fits of those that the client sends; the operator tries all. "
     "So a client sends those of its path alone."},
};

namespace {

using Extensions = std::vector<std::string>;

const Extensions kSystem{"basicConstraints=critical,CA:FALSE", "keyUsage=critical,digitalSignature",
                         "extendedKeyUsage=clientAuth", "subjectKeyIdentifier=hash", "authorityKeyIdentifier=keyid"};
const Extensions kAuthority{"basicConstraints=critical,CA:TRUE", "keyUsage=critical,keyCertSign,cRLSign",
                            "subjectKeyIdentifier=hash", "authorityKeyIdentifier=keyid"};

// Removes the extensions that begin like one of `without`, and adds `with`.
Extensions changed(Extensions extensions, const Extensions& without, const Extensions& with = {}) {
  for (const auto& name : without) {
    extensions.erase(std::remove_if(extensions.begin(), extensions.end(),
                                    [&](const auto& line) { return line.rfind(name, 0) == 0; }),
                     extensions.end());
  }
  extensions.insert(extensions.end(), with.begin(), with.end());
  return extensions;
}
Extensions system(const Extensions& without, const Extensions& with = {}) { return changed(kSystem, without, with); }
Extensions authority(const Extensions& without, const Extensions& with = {}) {
  return changed(kAuthority, without, with);
}

CertificateOptions with(Extensions extensions, CertificateOptions options = {}) {
  options.extensions = std::move(extensions);
  return options;
}
CertificateOptions named(std::string name, CertificateOptions options = {}) {
  options.commonName = std::move(name);
  return options;
}

const std::string kUses = "extendedKeyUsage", kUsage = "keyUsage", kConstraints = "basicConstraints",
                  kIssuerKey = "authorityKeyIdentifier", kOwnKey = "subjectKeyIdentifier";
const std::string kUnknownCritical = "1.3.6.1.4.1.99999.1=critical,DER:0500",
                  kExplicit = "policyConstraints=critical,requireExplicitPolicy:0";

// The rows of the corpus. Each has its own authorities.
class Corpus {
 public:
  // A root, an issuing authority that the form gives, and a system.
  void three(const std::string& name, const CertificateOptions& root, const CertificateOptions& issuing,
             const CertificateOptions& client, const std::string& reason = "", std::string_view difference = "") {
    const Authority anchor(named("Root", root));
    const Authority between = anchor.subordinate(named("Issuing CA", issuing));
    chains_.push_back({name, between.issue(client), between.certificate(), anchor.certificate(), reason, difference});
  }
  void ofClient(const std::string& name, const CertificateOptions& client, const std::string& reason = "",
                std::string_view difference = "") {
    three(name, with(kAuthority), with(kAuthority), client, reason, difference);
  }
  void ofIssuing(const std::string& name, const CertificateOptions& issuing, const std::string& reason = "",
                 std::string_view difference = "") {
    three(name, with(kAuthority), issuing, with(kSystem), reason, difference);
  }
  void ofRoot(const std::string& name, const CertificateOptions& root, const std::string& reason = "",
              std::string_view difference = "") {
    three(name, root, with(kAuthority), with(kSystem), reason, difference);
  }
  void add(const std::string& name, const Identity& client, const std::string& given, const std::string& trusted,
           const std::string& reason = "", std::string_view difference = "") {
    chains_.push_back({name, client, given, trusted, reason, difference});
  }
  std::vector<Chain> take() { return std::move(chains_); }

 private:
  std::vector<Chain> chains_;
};

void addWays(Corpus& all) {
  all.ofClient("as it should be", with(kSystem));
  const Authority root("Root"), other("Root"), another("Another root");
  const Authority issuing = root.subordinate("Issuing CA");
  const auto client = issuing.issue();
  all.add("directly below the root", root.issue(), "", root.certificate());
  all.add("over an authority of the platform's", client, "", root.certificate() + issuing.certificate());
  all.add("over one of both", client, issuing.certificate(), root.certificate() + issuing.certificate());
  all.add("without the one between", client, "", root.certificate(), "UntrustedIssuer");
  all.add("without the root", client, "", issuing.certificate(), "UntrustedIssuer");
  all.add("another root", client, issuing.certificate(), another.certificate(), "UntrustedIssuer");
  all.add("another root of that name", client, issuing.certificate(), other.certificate(), "UntrustedIssuer");
  all.add("two roots of one name", client, issuing.certificate(), root.certificate() + other.certificate());
  all.add("cross-signed", another.issue(), root.crossSign(another).certificate, root.certificate());
  all.add("cross-signed in the platform's bundle", another.issue(), "",
          another.certificate() + other.crossSign(another).certificate);
  all.add("cross-signed, and that has expired", another.issue(),
          root.crossSign(another, {.validFrom = -7200, .validFor = -3600}).certificate, root.certificate(),
          "UntrustedIssuer");
  const Authority stranger("Stranger");
  all.add("cross-signed by a stranger and by the root", another.issue(),
          stranger.crossSign(another).certificate + root.crossSign(another).certificate, root.certificate(), "",
          "sent");
  const Authority later = root.renewed({.validFrom = -60}),
                  past = root.renewed({.validFrom = -7200, .validFor = -3600});
  all.add("a renewed root with the same key", client, issuing.certificate(), later.certificate());
  all.add("beside the one that has expired", client, issuing.certificate(), past.certificate() + later.certificate());
  all.add("the one that has expired alone", client, issuing.certificate(), past.certificate(), "UntrustedIssuer");
  all.add("self-signed", selfSigned({}), "", root.certificate(), "UntrustedIssuer");
  const auto itself = selfSigned(with(authority({kUsage}, {"keyUsage=digitalSignature,keyCertSign"})));
  all.add("an authority as its own client", itself, "", itself.certificate, "WrongUsage", "usage");
  std::vector<Authority> below;
  std::string between;
  for (int i = 1; i <= 7; ++i) {
    below.push_back((i == 1 ? root : below.back()).subordinate("CA " + std::to_string(i)));
    between += below.back().certificate();
    if (i == 6) all.add("eight certificates", below.back().issue(), "", root.certificate() + between);
    if (i == 7)
      all.add("nine certificates", below.back().issue(), "", root.certificate() + between, "UntrustedIssuer", "length");
  }
  // Only the signature tells these two apart, and a gateway does not try it.
  const auto plain = with(authority({kOwnKey, kIssuerKey}), {.commonName = "Twin"});
  const Authority one(plain), two(plain);
  const auto bare = with(system({kOwnKey, kIssuerKey}));
  const auto order = [](const Authority& of) { return crypto::Certificate::parse(of.certificate())->sha256(); };
  const bool isFirst = order(one) < order(two);
  all.add("twins without key identifiers, of the first", (isFirst ? one : two).issue(bare), "",
          one.certificate() + two.certificate());
  all.add("twins without key identifiers, of the second", (isFirst ? two : one).issue(bare), "",
          one.certificate() + two.certificate(), "UntrustedIssuer");
}

void addTimes(Corpus& all) {
  const CertificateOptions past{.validFrom = -7200, .validFor = -3600}, future{.validFrom = 3600};
  all.ofClient("a client that has expired", with(kSystem, past), "CertificateExpired");
  all.ofClient("a client that is not yet valid", with(kSystem, future), "CertificateNotYetValid");
  all.ofIssuing("an issuing authority that has expired", with(kAuthority, past), "UntrustedIssuer");
  all.ofIssuing("an issuing authority that is not yet valid", with(kAuthority, future), "UntrustedIssuer");
  all.ofRoot("a root that has expired", with(kAuthority, past), "UntrustedIssuer");
  all.ofRoot("a root that is not yet valid", with(kAuthority, future), "UntrustedIssuer");
}

void addUses(Corpus& all) {
  const auto uses = [](const std::string& what) { return Extensions{"extendedKeyUsage=" + what}; };
  all.ofClient("for servers", with(system({kUses}, uses("serverAuth"))), "WrongUsage");
  all.ofClient("for any use", with(system({kUses}, uses("anyExtendedKeyUsage"))), "WrongUsage");
  all.ofClient("for any use and clients", with(system({kUses}, uses("anyExtendedKeyUsage,clientAuth"))));
  all.ofClient("for clients and code", with(system({kUses}, uses("critical,codeSigning,clientAuth"))));
  all.ofClient("without extended key usage", with(system({kUses})));
  all.ofIssuing("an issuing authority for servers", with(authority({}, uses("serverAuth"))), "UntrustedIssuer");
  all.ofIssuing("an issuing authority for clients", with(authority({}, uses("clientAuth"))));
  all.ofIssuing("an issuing authority for any use", with(authority({}, uses("anyExtendedKeyUsage"))),
                "UntrustedIssuer");
  all.ofRoot("a root for mail", with(authority({}, uses("emailProtection"))), "UntrustedIssuer");
  all.ofRoot("a root for clients", with(authority({}, uses("clientAuth"))));
  all.ofClient("nsCertType server", with(system({kUses}, {"nsCertType=server"})), "WrongUsage");
  all.ofClient("nsCertType server beside clientAuth", with(system({}, {"nsCertType=server"})), "WrongUsage");
  all.ofClient("nsCertType client", with(system({kUses}, {"nsCertType=client,email"})));
  all.ofClient("nsCertType objsign", with(system({kUses}, {"nsCertType=objsign"})), "WrongUsage");
  all.ofIssuing("an issuing authority of nsCertType emailCA", with(authority({}, {"nsCertType=emailCA"})));
  all.ofIssuing("an issuing authority of nsCertType sslCA alone",
                with(authority({kConstraints, kUsage}, {"nsCertType=sslCA"})), "WrongUsage");
  all.ofClient("keyEncipherment alone", with(system({kUsage}, {"keyUsage=keyEncipherment"})), "WrongUsage");
  all.ofClient("keyAgreement alone", with(system({kUsage}, {"keyUsage=keyAgreement"})), "WrongUsage", "usage");
  all.ofClient("keyCertSign", with(system({kUsage}, {"keyUsage=digitalSignature,keyCertSign"})), "WrongUsage", "usage");
  all.ofClient("without key usage", with(system({kUsage})));
  all.ofIssuing("an issuing authority without key usage", with(authority({kUsage})));
  all.ofIssuing("an issuing authority of lists alone", with(authority({kUsage}, {"keyUsage=cRLSign"})),
                "UntrustedIssuer");
  all.ofRoot("a root without key usage", with(authority({kUsage})));
  all.ofRoot("a root of lists alone", with(authority({kUsage}, {"keyUsage=cRLSign"})), "UntrustedIssuer");
}

void addForms(Corpus& all) {
  all.ofIssuing("basic constraints that are not critical",
                with(authority({kConstraints}, {"basicConstraints=CA:TRUE"})));
  all.ofRoot("a root of such", with(authority({kConstraints}, {"basicConstraints=CA:TRUE"})));
  all.ofIssuing("no authority between", with(authority({kConstraints}, {"basicConstraints=CA:FALSE"})), "WrongUsage");
  all.ofIssuing("without basic constraints between", with(authority({kConstraints})), "WrongUsage");
  all.ofRoot("a root without basic constraints", with(authority({kConstraints})), "MalformedAuthorities",
             "authorities");
  all.ofRoot("a root that says that it is none", with(authority({kConstraints}, {"basicConstraints=CA:FALSE"})),
             "MalformedAuthorities");
  all.ofClient("a client without basic constraints", with(system({kConstraints})));
  all.ofClient("a client with nothing", with({}));
  all.ofClient("an authority as client", with(system({kConstraints}, {"basicConstraints=CA:TRUE"})), "WrongUsage",
               "usage");
  const std::string none = "basicConstraints=critical,CA:TRUE,pathlen:0";
  all.ofIssuing("a path length that suffices", with(authority({kConstraints}, {none})));
  all.ofRoot("a path length that is too short", with(authority({kConstraints}, {none})), "UntrustedIssuer");
  all.ofClient("without an authority key identifier", with(system({kIssuerKey})));
  all.ofClient("without any key identifier", with(system({kIssuerKey, kOwnKey})));
  all.ofClient("another's authority key identifier", with(system({kIssuerKey}, {"2.5.29.35=DER:30048002aabb"})),
               "UntrustedIssuer");
  all.ofClient("the issuer's name and number beside it",
               with(system({kIssuerKey}, {"authorityKeyIdentifier=keyid,issuer:always"})));
  all.ofClient("a critical authority key identifier",
               with(system({kIssuerKey}, {"authorityKeyIdentifier=critical,keyid"})), "UntrustedIssuer");
  all.three("authorities without a subject key identifier", with(authority({kOwnKey, kIssuerKey})),
            with(authority({kOwnKey, kIssuerKey})), with(system({kIssuerKey})));
  all.ofRoot("a root of another key identifier", with(authority({kOwnKey}, {"subjectKeyIdentifier=aabbcc"})));
  all.ofIssuing("permitted names, and the client has none",
                with(authority({}, {"nameConstraints=critical,permitted;DNS:a.example"})));
  const auto host = with(system({}, {"subjectAltName=DNS:x.a.example"}));
  all.three("permitted names", with(kAuthority),
            with(authority({}, {"nameConstraints=critical,permitted;DNS:a.example"})), host);
  all.three("other names than the permitted", with(kAuthority),
            with(authority({}, {"nameConstraints=critical,permitted;DNS:b.example"})), host, "UntrustedIssuer");
  all.three("excluded names", with(kAuthority),
            with(authority({}, {"nameConstraints=critical,excluded;DNS:a.example"})), host, "UntrustedIssuer");
  all.three("names that the root excludes", with(authority({}, {"nameConstraints=excluded;DNS:a.example"})),
            with(kAuthority), host, "UntrustedIssuer");
  all.ofClient("an unknown critical extension", with(system({}, {kUnknownCritical})), "UntrustedIssuer");
  all.ofIssuing("one of the issuing authority's", with(authority({}, {kUnknownCritical})), "UntrustedIssuer");
  all.ofRoot("one of the root's", with(authority({}, {kUnknownCritical})), "UntrustedIssuer");
  all.ofClient("one that is not critical", with(system({}, {"1.3.6.1.4.1.99999.1=DER:0500"})));
  all.ofClient("without a subject", named("", with(kSystem)), "UntrustedIssuer", "form");
  all.ofClient("with an alternative name alone", named("", with(system({}, {"subjectAltName=DNS:a.example"}))));
  CertificateOptions old = with({});
  old.version = 1;
  all.ofClient("a client of version 1", old);
  all.three("an issuing authority of version 1", with(kAuthority), old, with(system({kIssuerKey})), "WrongUsage");
  all.three("a root of version 1", old, with(authority({kIssuerKey})), with(kSystem), "MalformedAuthorities",
            "authorities");
  CertificateOptions mixed = with(kSystem);
  mixed.version = 1;
  all.ofClient("version 1 with extensions", mixed, "UntrustedIssuer", "form");
}

void addPolicies(Corpus& all) {
  const auto policy = [](const std::string& which) { return "certificatePolicies=" + which; };
  const auto strict = [&](const std::string& which) { return with(authority({}, {policy(which), kExplicit})); };
  const auto of = [&](const std::string& which) { return with(system({}, {policy(which)})); };
  const auto root = with(kAuthority);
  all.three("a policy that is required", root, strict("1.2.3.4"), of("1.2.3.4"));
  all.three("and that the client lacks", root, strict("1.2.3.4"), with(kSystem), "UntrustedIssuer", "policies");
  all.three("another policy", root, strict("1.2.3.4"), of("1.2.3.5"), "UntrustedIssuer", "policies");
  all.three("any policy", root, strict("2.5.29.32.0"), of("1.2.3.5"));
  all.three("policies that nobody requires", root, with(authority({}, {policy("1.2.3.4")})), of("1.2.3.5"));
  all.three("any policy, which is inhibited", root,
            with(authority({}, {policy("1.2.3.4"), kExplicit, "inhibitAnyPolicy=critical,0"})), of("2.5.29.32.0"),
            "UntrustedIssuer", "policies");
  all.three("a policy that is mapped", root,
            with(authority({}, {policy("1.2.3.4"), kExplicit, "policyMappings=1.2.3.4:1.2.3.5"})), of("1.2.3.5"));
}

void addKeys(Corpus& all) {
  struct Row {
    std::string name;
    KeyKind key;
    std::string ofClient, ofAuthority;       // the reasons for a refusal
    std::string_view asClient, asAuthority;  // the permitted differences
  };
  const std::string weak = "WeakCertificate";
  const Row rows[] = {
      {"RSA-2048", KeyKind::Rsa2048, "", "", "", ""},
      {"RSA-1024", KeyKind::Rsa1024, weak, weak, "", ""},
      {"P-384", KeyKind::P384, "", "", "", ""},
      {"P-521", KeyKind::P521, weak, "", "keys", ""},
      {"secp256k1", KeyKind::Secp256k1, weak, weak, "", "keys"},
      {"Ed25519", KeyKind::Ed25519, weak, weak, "keys", "keys"},
      {"RSASSA-PSS", KeyKind::RsaPss2048, weak, "", "keys", ""},
      {"RSASSA-PSS of 1024 bits", KeyKind::RsaPss1024, weak, weak, "", ""},
      {"DSA", KeyKind::Dsa2048, weak, weak, "keys", "keys"},
  };
  for (const auto& row : rows) {
    all.ofClient(row.name, with(kSystem, {.key = row.key}), row.ofClient, row.asClient);
    all.ofIssuing(row.name + " of an issuing authority", with(kAuthority, {.key = row.key}), row.ofAuthority,
                  row.asAuthority);
    all.ofRoot(row.name + " of a root", with(kAuthority, {.key = row.key}), row.ofAuthority, row.asAuthority);
  }
  CertificateOptions pss = with(kSystem);
  pss.pss = true;
  all.three("signed by RSA with PSS", with(kAuthority), with(kAuthority, {.key = KeyKind::Rsa2048}), pss);
  all.ofClient("signed with SHA-1", with(kSystem, {.sha1 = true}), weak);
  all.ofIssuing("an issuing authority signed with SHA-1", with(kAuthority, {.sha1 = true}), weak);
  all.ofRoot("a root signed with SHA-1", with(kAuthority, {.sha1 = true}));
}

}  // namespace

std::vector<Chain> makeChains() {
  Corpus all;
  addWays(all);
  addTimes(all);
  addUses(all);
  addForms(all);
  addPolicies(all);
  addKeys(all);
  return all.take();
}

}  // namespace mpay::test
