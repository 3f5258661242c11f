// WS-Security 1.0 X.509 message signatures (OASIS WSS, X.509 token profile) by xmlsec: requests are signed as MPay
// signs them, answers verified on the bytes that came.
//
// A signature is made from a template by xmlsec and judged by xmlsec; here is decided what it may be: which
// algorithms, which references, which key. No key that came with a message is ever trusted.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "crypto/request.h"
#include "crypto/x509.h"
#include "mpay/soap.h"

namespace mpay::soap {

using Instant = std::chrono::sys_time<std::chrono::milliseconds>;

// "2025-07-10T07:51:25.959Z", always with milliseconds.
std::string formatInstant(Instant at);

enum class Algorithm { RsaSha1, RsaSha256 };  // with SHA-1 and SHA-256 digests

std::string_view toString(Algorithm algorithm);  // "RSA-SHA1", "RSA-SHA256"
std::optional<Algorithm> parseAlgorithm(std::string_view text);

// --- Signing ---------------------------------------------------------------------------------------------------------

// An RSA key with the certificate it presents. Immutable; copies share it. The key is never printed.
class Signer {
 public:
  // Errors: Invalid with reason MalformedCertificate and the others of Certificate::parse, MalformedKey (not one
  // PEM key, or encrypted), KeyMismatch, UnsupportedKey (not RSA).
  static Result<Signer> parse(std::string_view certificate, std::string_view keyPem);
  // A new 2048-bit key and a self-signed certificate of that name: a stranger's, for a request that must be refused.
  static Result<Signer> stranger(const std::string& commonName, WallTime now);
  // This key, presenting another certificate: a token that the signature does not belong to.
  Signer presenting(const crypto::Certificate& other) const;

  const crypto::Certificate& certificate() const { return certificate_; }
  const crypto::PrivateKey& key() const { return key_; }

 private:
  Signer(crypto::Certificate certificate, crypto::PrivateKey key)
      : certificate_(std::move(certificate)), key_(std::move(key)) {}
  crypto::Certificate certificate_;
  crypto::PrivateKey key_;
};

struct Validity {
  Instant created{};
  Instant expires{};
};

// How a request names its namespaces; MPay's published requests have the first and the last.
enum class Prefixes {
  Few,     // the payload and the Signature declare theirs as default
  All,     // every element has a prefix, the payload's is declared by the Envelope
  Listed,  // and exclusive c14n has an InclusiveNamespaces PrefixList
};

// How a request is signed. The defaults, and all of Prefixes, are MPay's way; everything else makes a request that must
// be refused.
struct Signing {
  std::string id{};                    // makes the wsu:Ids: "BD-<id>", "TS-<id>", "ST-<id>"; letters, digits, '-', '_'
  std::optional<Validity> validity{};  // none: no Timestamp in the request
  Algorithm algorithm = Algorithm::RsaSha1;
  Prefixes prefixes = Prefixes::Few;
  bool signature = true;  // false: neither a Signature nor a token
  bool signsBody = true;  // false: the Timestamp alone
  // The payload that is sent in place of the signed one, under the same signature.
  std::optional<Document> tampered{};
};

// The whole envelope, UTF-8: Security (mustUnderstand 1) with BinarySecurityToken, Timestamp and Signature over
// whichever of Timestamp and Body there is to sign; exclusive c14n. The same arguments give the same bytes. Errors:
// Crypto; Invalid with reason InvalidField where `id` is none, or where nothing is left to sign.
Result<std::string> seal(const Document& payload, const Signer& signer, const Signing& signing);

// --- Verifying -------------------------------------------------------------------------------------------------------

// Whether a digest or a signature holds.
enum class Holds {
  Yes,            // on the received bytes
  WithoutBlanks,  // only once text nodes that hold nothing but blanks are dropped: reformatted after signing
  No,
  Unchecked,  // not looked at, as what it needs is not allowed or not there
};

enum class KeyInfoForm {
  None,
  BinarySecurityToken,   // a SecurityTokenReference to one of type X509v3 in the same Security header
  SubjectKeyIdentifier,  // a SecurityTokenReference with a KeyIdentifier
  X509Certificate,       // X509Data/X509Certificate
  IssuerSerial,          // X509IssuerSerial, directly or in a SecurityTokenReference
  Other,
};

enum class Covered { Body, Timestamp, Token, Other };  // Other: any element elsewhere, also a Body that was moved

struct SignedReference {
  std::string uri{};                      // as written
  std::optional<Element> element{};       // what it leads to, where exactly one element has that id
  Covered covered = Covered::Other;       // by the place where the element stands, not by its name
  bool qualifiedId = true;                // the id is a wsu:Id (of ds elements: their Id)
  std::vector<std::string> transforms{};  // their algorithms, as written
  std::string digest{};                   // its algorithm, as written
  Holds holds = Holds::Unchecked;
  std::string problem{};  // a sentence, where `holds` is Unchecked
};

struct ReceivedTimestamp {
  std::string created{};  // as written, also where it is no time
  std::string expires{};
  std::optional<Instant> createdAt{};
  std::optional<Instant> expiresAt{};
  bool utc = false;  // both end in Z
};

// A finding about one side of the security of an answer, with its stable reason: MissingSignature, MalformedSecurity,
// SignatureTooLarge, UnknownKeyInfo, NoCanonicalForm, SignatureWrapping, DuplicateId, ReferenceNotAllowed,
// AlgorithmNotAllowed, BodyNotSigned, TimestampNotSigned, DigestMismatch, SignatureMismatch, UnqualifiedId.
struct SecurityProblem {
  std::string reason{};
  std::string message{};
};

// Everything there is to say about the signature of an answer. Each member is found out independently of the others, as
// far as that is possible: an answer signed with a foreign key still says whether its digests hold.
struct Verification {
  bool present = false;              // a ds:Signature in the Security header
  std::string signatureAlgorithm{};  // URIs, as written
  std::string canonicalization{};
  std::optional<Algorithm> algorithm{};    // where it is one of the two; digests are told by the references
  bool exclusiveCanonicalization = false;  // of SignedInfo and of every reference
  std::vector<SignedReference> references{};
  Holds signatureByRegistered =
      Holds::Unchecked;                          // SignatureValue over SignedInfo, by the registered certificate's key
  Holds signatureByEmbedded = Holds::Unchecked;  // by the key that came along
  KeyInfoForm keyInfo = KeyInfoForm::None;
  std::optional<crypto::Certificate> embedded{};  // from KeyInfo, or from the token it refers to
  bool keyInfoNamesRegistered = false;  // what KeyInfo says (certificate, identifier, serial) is the registered one's
  std::string keyInfoProblem{};         // a sentence, where its form is Other or what it holds cannot be read
  std::optional<ReceivedTimestamp> timestamp{};
  std::vector<std::string> duplicateIds{};
  std::vector<std::string> unqualifiedIds{};  // what was referred to by an attribute other than wsu:Id: its path
  std::string relativeNamespace{};            // of the document: nothing in it has a canonical form, or is computed
  std::string timestampProblem{};             // a sentence, where there is a Timestamp of another namespace
  bool isRead = false;                        // the parts of the signature were; else a problem says why not
  std::string signatureValue{};               // without blanks; the same one twice is a replay
  // All that keeps the answer from being trusted, in the order it was found; empty: it is.
  std::vector<SecurityProblem> problems{};
  // The node that was signed, where there are no problems. Use this, not what can be found by a name.
  std::optional<Element> body{};

  bool covers(Covered what) const;    // a reference leads there
  Holds digests(Covered what) const;  // the worst of the references that lead there; Unchecked: none does
  Holds digests() const;              // the worst of all
  bool has(std::string_view reason) const;
};

// `allowed`: which signature algorithms are accepted, and with each the digest that belongs to it. Nothing is looked
// up, nothing fetched, no clock asked. Beyond what is allowed, other RSA signatures, SHA digests and W3C
// canonicalizations are computed for the diagnosis alone; never an HMAC, XSLT or XPath. The same envelope must not be
// verified by two threads at once.
Verification verify(const Envelope& envelope, const crypto::Certificate& registered,
                    const std::vector<Algorithm>& allowed = {Algorithm::RsaSha1, Algorithm::RsaSha256});

// Judges a Timestamp by MPay's rules. `skew`: how far the clocks may be apart. Errors: Invalid with reason
// MalformedTimestamp, TimestampNotUtc, TimestampInFuture, TimestampExpired, ImplausibleLifetime (Expires not after
// Created, or by more than a day).
Result<void> judge(const ReceivedTimestamp& timestamp, Instant now, std::chrono::seconds skew);

std::string_view toString(Holds holds);
std::string_view toString(KeyInfoForm form);
std::string_view toString(Covered covered);

}  // namespace mpay::soap
