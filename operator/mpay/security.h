// WS-Security 1.0 X.509 message signatures (OASIS WSS, X.509 token profile) by xmlsec. Requests are signed as MPay
// signs them; answers are verified on the bytes that came.
//
// xmlsec makes a signature from a template and judges a received one. This folder decides which algorithms, references
// and keys are allowed. A key that comes with a message is never trusted.
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

// An RSA key and the certificate that it presents. Immutable; copies share it. The key is never printed.
class Signer {
 public:
  // Errors: Invalid with reason MalformedCertificate and the others of Certificate::parse, MalformedKey (not exactly
  // one PEM key, or encrypted), KeyMismatch, UnsupportedKey (not RSA).
  static Result<Signer> parse(std::string_view certificate, std::string_view keyPem);
  // A stranger, for a request that must be refused: a new 2048-bit key with a self-signed certificate of that name.
  static Result<Signer> stranger(const std::string& commonName, WallTime now);
  // The same key, presenting another certificate: a token that does not belong to the signature.
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

// The namespace prefixes of a request; MPay's published requests use the first and the last style.
enum class Prefixes {
  Few,     // payload and Signature declare theirs as default
  All,     // every element has a prefix; the Envelope declares the payload's
  Listed,  // as All, and exclusive c14n has an InclusiveNamespaces PrefixList
};

// The settings of a signature. The defaults, and all of Prefixes, are MPay's way; everything else makes a request that
// must be refused.
struct Signing {
  std::string id{};                    // for the wsu:Ids "BD-<id>", "TS-<id>", "ST-<id>"; letters, digits, '-', '_'
  std::optional<Validity> validity{};  // none: the request has no Timestamp
  Algorithm algorithm = Algorithm::RsaSha1;
  Prefixes prefixes = Prefixes::Few;
  bool signature = true;  // false: neither a Signature nor a token
  bool signsBody = true;  // false: only the Timestamp is signed
  // The payload to send in place of the signed one, under the same signature.
  std::optional<Document> tampered{};
};

// The whole envelope in UTF-8: Security (mustUnderstand 1) with BinarySecurityToken, Timestamp, and a Signature over
// Timestamp and Body, as far as they are to be signed; exclusive c14n. The same arguments give the same bytes. Errors:
// Crypto; Invalid with reason InvalidField if `id` is malformed or nothing is left to sign.
Result<std::string> seal(const Document& payload, const Signer& signer, const Signing& signing);

// --- Verifying -------------------------------------------------------------------------------------------------------

// Tells if a digest or a signature holds.
enum class Holds {
  Yes,            // on the received bytes
  WithoutBlanks,  // only without the text nodes that are all blank: the answer was reformatted after signing
  No,
  Unchecked,  // not computed, because something that it needs is not allowed or missing
};

enum class KeyInfoForm {
  None,
  BinarySecurityToken,   // a SecurityTokenReference to a token of type X509v3 in the same Security header
  SubjectKeyIdentifier,  // a SecurityTokenReference with a KeyIdentifier
  X509Certificate,       // X509Data/X509Certificate
  IssuerSerial,          // X509IssuerSerial, directly or in a SecurityTokenReference
  Other,
};

enum class Covered { Body, Timestamp, Token, Other };  // Other: any other element, also a Body that was moved

struct SignedReference {
  std::string uri{};                      // as written
  std::optional<Element> element{};       // the target, if exactly one element has that id
  Covered covered = Covered::Other;       // by the element's place, not by its name
  bool qualifiedId = true;                // the id is a wsu:Id, or the Id of a ds element
  std::vector<std::string> transforms{};  // algorithms, as written
  std::string digest{};                   // algorithm, as written
  Holds holds = Holds::Unchecked;
  std::string problem{};  // a sentence if `holds` is Unchecked
};

struct ReceivedTimestamp {
  std::string created{};  // as written, also if it is no time
  std::string expires{};
  std::optional<Instant> createdAt{};
  std::optional<Instant> expiresAt{};
  bool utc = false;  // both end in Z
};

// A problem in the security of an answer, with its stable reason: MissingSignature, MalformedSecurity,
// SignatureTooLarge, UnknownKeyInfo, NoCanonicalForm, SignatureWrapping, DuplicateId, ReferenceNotAllowed,
// AlgorithmNotAllowed, BodyNotSigned, TimestampNotSigned, DigestMismatch, SignatureMismatch, UnqualifiedId.
struct SecurityProblem {
  std::string reason{};
  std::string message{};
};

// Everything that is known about the signature of an answer. Members are as independent as possible: an answer signed
// with a foreign key still tells if its digests hold.
struct Verification {
  bool present = false;              // the Security header has a ds:Signature
  std::string signatureAlgorithm{};  // URIs, as written
  std::string canonicalization{};
  std::optional<Algorithm> algorithm{};    // none: neither of the two; the references name the digests
  bool exclusiveCanonicalization = false;  // for SignedInfo and for every reference
  std::vector<SignedReference> references{};
  Holds signatureByRegistered =
      Holds::Unchecked;                          // SignatureValue over SignedInfo, by the registered certificate's key
  Holds signatureByEmbedded = Holds::Unchecked;  // the same, by the key in the message
  KeyInfoForm keyInfo = KeyInfoForm::None;
  std::optional<crypto::Certificate> embedded{};  // from KeyInfo, or from the token it refers to
  bool keyInfoNamesRegistered = false;  // KeyInfo names the registered certificate, by certificate, identifier or
                                        // serial
  std::string keyInfoProblem{};         // a sentence if the form is Other or the content cannot be read
  std::optional<ReceivedTimestamp> timestamp{};
  std::vector<std::string> duplicateIds{};
  std::vector<std::string> unqualifiedIds{};  // paths of elements that were referred to by an attribute other than
                                              // wsu:Id
  std::string relativeNamespace{};            // in the document: then nothing in it has a canonical form, and nothing
                                              // is computed
  std::string timestampProblem{};             // a sentence if there is a Timestamp in another namespace
  bool isRead = false;                        // the parts of the signature were read; else a problem gives the reason
  std::string signatureValue{};               // without blanks; the same value twice is a replay
  // The reasons not to trust the answer, in the order found; empty: the answer is trusted.
  std::vector<SecurityProblem> problems{};
  // The signed node, if there are no problems. Use this one, never a node found by name.
  std::optional<Element> body{};

  bool covers(Covered what) const;    // a reference leads there
  Holds digests(Covered what) const;  // the worst of the references that lead there; Unchecked: none does
  Holds digests() const;              // the worst of all references
  bool has(std::string_view reason) const;
};

// `allowed` lists the accepted signature algorithms; each is accepted with its own digest. Nothing is looked up or
// fetched, and no clock is asked. Other RSA signatures, SHA digests and W3C canonicalizations are computed for the
// diagnosis only; HMAC, XSLT and XPath never. Two threads must not verify the same envelope at once.
Verification verify(const Envelope& envelope, const crypto::Certificate& registered,
                    const std::vector<Algorithm>& allowed = {Algorithm::RsaSha1, Algorithm::RsaSha256});

// Judges a Timestamp by MPay's rules. `skew` is the greatest difference between the clocks. Errors: Invalid with reason
// MalformedTimestamp, TimestampNotUtc, TimestampInFuture, TimestampExpired, ImplausibleLifetime (Expires not after
// Created, or by more than a day).
Result<void> judge(const ReceivedTimestamp& timestamp, Instant now, std::chrono::seconds skew);

std::string_view toString(Holds holds);
std::string_view toString(KeyInfoForm form);
std::string_view toString(Covered covered);

}  // namespace mpay::soap
