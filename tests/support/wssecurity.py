#!/usr/bin/python3
"""WS-Security 1.0 X.509 signatures by python3-xmlsec: an implementation independent of the operator's.

sign() makes a beneficiary's answer, correct or, by its switches, with a defect. verify() accepts or refuses a request
as a strict beneficiary does. Both work on bytes. As a program it reads a JSON list of jobs from standard
input and writes a JSON list of results; see main().
"""
import base64
import copy
import datetime
import json
import sys
import uuid
from dataclasses import dataclass
from typing import Optional

import xmlsec
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from lxml import etree

SOAP = "http://schemas.xmlsoap.org/soap/envelope/"
WSSE = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd"
WSU = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-utility-1.0.xsd"
DS = "http://www.w3.org/2000/09/xmldsig#"
MPAY = "https://mpay.gov.md"
X509_PROFILE = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-x509-token-profile-1.0#"
BASE64 = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-soap-message-security-1.0#Base64Binary"

SIGNATURES = {
    "rsa-sha1": (xmlsec.Transform.RSA_SHA1, xmlsec.Transform.SHA1),
    "rsa-sha256": (xmlsec.Transform.RSA_SHA256, xmlsec.Transform.SHA256),
    "rsa-sha512": (xmlsec.Transform.RSA_SHA512, xmlsec.Transform.SHA512),
    "hmac-sha1": (xmlsec.Transform.HMAC_SHA1, xmlsec.Transform.SHA1),  # the certificate's bytes are the secret
}
CANONICALIZATIONS = {
    "exclusive": xmlsec.Transform.EXCL_C14N,
    "exclusive-comments": xmlsec.Transform.EXCL_C14N_COMMENTS,
    "inclusive": xmlsec.Transform.C14N,
}
KEY_INFO = ("token", "subject-key-identifier", "x509", "issuer-serial", "thumbprint", "none", "key-value")
XADES = "http://uri.etsi.org/01903/v1.3.2#"
STR_TRANSFORM = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-soap-message-security-1.0#STR-Transform"


@dataclass
class Signing:
    """The switches of sign(). The defaults are the documented way."""

    key: bytes = b""  # PEM
    certificate: bytes = b""  # PEM, for KeyInfo
    algorithm: str = "rsa-sha1"  # a key of SIGNATURES
    digest: Optional[str] = None  # a key of SIGNATURES; None: the algorithm's own
    key_info: str = "token"  # a key of KEY_INFO
    signs: tuple = ("Body", "Timestamp")  # empty: no Signature
    created: Optional[datetime.datetime] = None  # now
    expires: Optional[datetime.datetime] = None  # five minutes after
    created_text: Optional[str] = None  # the text to write instead
    expires_text: Optional[str] = None
    timestamp: bool = True
    c14n: str = "exclusive"  # for SignedInfo and the references
    inclusive_prefixes: Optional[str] = None  # PrefixList for the references
    wsu_ids: bool = True  # False: plain Id attributes
    repeat_id: bool = False  # the token has the Timestamp's id
    reformat: bool = False  # indented after signing
    tamper: Optional[str] = None  # new text of the Body's last leaf, set after signing
    body_first: bool = False  # Body before Header
    both_ids: bool = False  # each element has its id twice: as wsu:Id and as Id
    token_wsu_id: bool = True  # False: the token has a plain Id
    id_prefix: str = ""  # before every id
    more_references: int = 0  # further signed headers
    xades: bool = False  # a ds:Object with signed properties, as in XAdES
    str_transform: bool = False  # STR-Transform signs the token
    no_transforms: bool = False  # References have no Transforms
    certificates: tuple = ()  # PEM, before the signer's in X509Data
    key_name: bool = False  # a KeyName before KeyInfo's other content
    key_info_space: Optional[str] = None  # the namespace of KeyInfo
    serial: Optional[str] = None  # in the X509IssuerSerial, instead of the certificate's
    token_text: Optional[str] = None  # instead of the certificate
    actor: Optional[str] = None  # in the Security header
    other_actors: bool = False  # a Security header for another actor comes first
    unknown_header: bool = False  # a header that must be understood
    timestamp_space: Optional[str] = None  # for the Timestamp
    no_expires: bool = False
    must_understand: bool = True


class Refused(Exception):
    """A refused request: a reason in CamelCase and a sentence."""

    def __init__(self, reason, message):
        super().__init__(f"{reason}: {message}")
        self.reason = reason
        self.message = message


def q(space, local):
    return f"{{{space}}}{local}"


def der_of(pem):
    return x509.load_pem_x509_certificate(pem).public_bytes(serialization.Encoding.DER)


def ski_of(pem):
    certificate = x509.load_pem_x509_certificate(pem)
    try:
        return certificate.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value.digest
    except x509.ExtensionNotFound:
        return x509.SubjectKeyIdentifier.from_public_key(certificate.public_key()).digest


def instant(time):
    return time.strftime("%Y-%m-%dT%H:%M:%S.") + f"{time.microsecond // 1000:03d}Z"


def envelope_of(payload):
    """An envelope, without a Header, around the payload: an element or its bytes."""
    root = etree.Element(q(SOAP, "Envelope"), nsmap={"s": SOAP, "u": WSU})
    body = etree.SubElement(root, q(SOAP, "Body"))
    if payload is not None:
        body.append(etree.fromstring(payload) if isinstance(payload, (bytes, str)) else copy.deepcopy(payload))
    return root


def fault_of(code, text, space=None, detail=None):
    """A SOAP 1.1 fault, as bytes; the code is in `space`, or in none."""
    fault = etree.Element(q(SOAP, "Fault"), nsmap={"s": SOAP, **({"c": space} if space else {})})
    etree.SubElement(fault, "faultcode").text = f"c:{code}" if space else code
    etree.SubElement(fault, "faultstring").text = text
    if detail is not None:
        etree.SubElement(fault, "detail").text = detail
    return etree.tostring(fault)


def sign(payload, how):
    """Returns the whole signed envelope around the payload, as bytes."""
    root = envelope_of(payload)
    body = root.find(q(SOAP, "Body"))
    header = etree.Element(q(SOAP, "Header"))
    root.insert(0, header)
    security = etree.SubElement(header, q(WSSE, "Security"), nsmap={"o": WSSE})
    if how.must_understand:
        security.set(q(SOAP, "mustUnderstand"), "1")
    if how.actor:
        security.set(q(SOAP, "actor"), how.actor)
    if how.other_actors:
        other = etree.Element(q(WSSE, "Security"))
        other.set(q(SOAP, "actor"), "urn:model:auditor")
        other.set(q(SOAP, "mustUnderstand"), "1")
        header.insert(0, other)
    if how.unknown_header:
        etree.SubElement(header, "{urn:model}Routing").set(q(SOAP, "mustUnderstand"), "1")
    identity = how.id_prefix + uuid.uuid4().hex
    id_name = q(WSU, "Id") if how.wsu_ids else "Id"
    prefix = how.id_prefix
    targets = {"Body": (body, f"{prefix}BD-{identity}")}
    if how.timestamp:
        timestamp = etree.SubElement(security, q(how.timestamp_space or WSU, "Timestamp"))
        created = how.created or datetime.datetime.now(datetime.timezone.utc).replace(tzinfo=None)
        expires = how.expires or created + datetime.timedelta(minutes=5)
        etree.SubElement(timestamp, q(WSU, "Created")).text = how.created_text or instant(created)
        if not how.no_expires:
            etree.SubElement(timestamp, q(WSU, "Expires")).text = how.expires_text or instant(expires)
        targets["Timestamp"] = (timestamp, f"{prefix}TS-{identity}")
    if how.key_info == "token" and how.signs:
        token = etree.Element(q(WSSE, "BinarySecurityToken"))
        token.set("EncodingType", BASE64)
        token.set("ValueType", X509_PROFILE + "X509v3")
        token.text = how.token_text or base64.b64encode(der_of(how.certificate)).decode()
        security.insert(0, token)
        targets["Token"] = (token, targets["Timestamp"][1] if how.repeat_id else f"{prefix}ST-{identity}")
    for number in range(how.more_references):
        more = etree.SubElement(header, "{urn:model}More")
        targets[f"More{number}"] = (more, f"M{number}-{identity}")
        how.signs += (f"More{number}",)
    for name, (element, identifier) in targets.items():
        element.set(id_name if name != "Token" or how.token_wsu_id else "Id", identifier)
        if how.both_ids:
            element.set("Id", identifier)
    if how.signs:
        sign_targets(security, targets, how)
    if how.tamper is not None:
        leaf = body
        while len(leaf):
            leaf = leaf[-1]
        leaf.text = how.tamper
    if how.body_first:
        root.append(header)
    if how.reformat:
        etree.indent(root, space="  ")
    data = etree.tostring(root, encoding="UTF-8", xml_declaration=how.reformat)
    if how.key_info_space:
        data = data.replace(b"<ds:KeyInfo>", f'<k:KeyInfo xmlns:k="{how.key_info_space}">'.encode())
        data = data.replace(b"</ds:KeyInfo>", b"</k:KeyInfo>")
    return data


def sign_targets(security, targets, how):
    method, digest = SIGNATURES[how.algorithm]
    if how.digest:
        digest = SIGNATURES[how.digest][1]
    c14n = CANONICALIZATIONS[how.c14n]
    signature = xmlsec.template.create(security, c14n, method, ns="ds")
    security.append(signature)
    context = xmlsec.SignatureContext()
    for name in how.signs:
        element, identifier = targets[name]
        context.register_id(element, "Id", WSU if how.wsu_ids else None)
        reference = xmlsec.template.add_reference(signature, digest, uri="#" + identifier)
        transform = None if how.no_transforms else xmlsec.template.add_transform(reference, c14n)
        if how.inclusive_prefixes:
            xmlsec.template.transform_add_c14n_inclusive_namespaces(transform, how.inclusive_prefixes.split())
    add_key_info(signature, targets, how)
    if how.xades:
        add_xades(signature, digest, c14n, context)
    # Blank text of templates would be signed too; the documented answers have none.
    for element in signature.iter():
        if element.text and not element.text.strip():
            element.text = None
        element.tail = None
    if how.algorithm == "hmac-sha1":
        context.key = xmlsec.Key.from_binary_data(xmlsec.constants.KeyDataHmac, how.certificate)
    else:
        context.key = xmlsec.Key.from_memory(how.key, xmlsec.KeyFormat.PEM)
    context.sign(signature)
    if how.str_transform:
        add_str_transform(signature, how)


def add_xades(signature, digest, c14n, context):
    """Adds a ds:Object with SignedProperties and a Reference to them."""
    holder = etree.SubElement(signature, q(DS, "Object"))
    qualifying = etree.SubElement(holder, q(XADES, "QualifyingProperties"), nsmap={"xades": XADES}, Target="#signature")
    properties = etree.SubElement(qualifying, q(XADES, "SignedProperties"), Id="properties")
    of_signature = etree.SubElement(properties, q(XADES, "SignedSignatureProperties"))
    etree.SubElement(of_signature, q(XADES, "SigningTime")).text = "2026-11-20T09:00:00Z"
    context.register_id(properties, "Id", None)
    reference = xmlsec.template.add_reference(signature, digest, uri="#properties", type=XADES + "SignedProperties")
    xmlsec.template.add_transform(reference, c14n)


def add_str_transform(signature, how):
    """Adds a Reference by STR-Transform, which xmlsec does not compute, and makes the SignatureValue anew."""
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import padding
    info = signature.find(q(DS, "SignedInfo"))
    token = signature.find(f".//{q(WSSE, 'SecurityTokenReference')}")
    token.set(q(WSU, "Id"), "STR-1")
    reference = etree.SubElement(info, q(DS, "Reference"), URI="#STR-1")
    transform = etree.SubElement(etree.SubElement(reference, q(DS, "Transforms")), q(DS, "Transform"),
                                 Algorithm=STR_TRANSFORM)
    parameters = etree.SubElement(transform, q(WSSE, "TransformationParameters"))
    etree.SubElement(parameters, q(DS, "CanonicalizationMethod"), Algorithm=xmlsec.Transform.EXCL_C14N.href)
    etree.SubElement(reference, q(DS, "DigestMethod"), Algorithm=xmlsec.Transform.SHA1.href)
    etree.SubElement(reference, q(DS, "DigestValue")).text = base64.b64encode(bytes(20)).decode()
    key = serialization.load_pem_private_key(how.key, None)
    hashed = hashes.SHA256() if how.algorithm == "rsa-sha256" else hashes.SHA1()
    value = key.sign(etree.tostring(info, method="c14n", exclusive=True), padding.PKCS1v15(), hashed)
    signature.find(q(DS, "SignatureValue")).text = base64.b64encode(value).decode()


def add_key_info(signature, targets, how):
    if how.key_info == "none":
        return
    info = xmlsec.template.ensure_key_info(signature)
    certificate = x509.load_pem_x509_certificate(how.certificate) if how.certificate else None
    if how.key_name:
        etree.SubElement(info, q(DS, "KeyName")).text = "model"
    if how.key_info == "key-value":
        etree.SubElement(etree.SubElement(info, q(DS, "KeyValue")), q(DS, "RSAKeyValue"))
        return
    if how.key_info == "x509":
        data = etree.SubElement(info, q(DS, "X509Data"))
        for pem in how.certificates:
            etree.SubElement(data, q(DS, "X509Certificate")).text = base64.b64encode(der_of(pem)).decode()
        etree.SubElement(data, q(DS, "X509Certificate")).text = base64.b64encode(der_of(how.certificate)).decode()
        if how.serial:
            serial = etree.SubElement(data, q(DS, "X509IssuerSerial"))
            etree.SubElement(serial, q(DS, "X509IssuerName")).text = certificate.issuer.rfc4514_string()
            etree.SubElement(serial, q(DS, "X509SerialNumber")).text = how.serial
        return
    str_ = etree.SubElement(info, q(WSSE, "SecurityTokenReference"))
    if how.key_info == "token":
        etree.SubElement(str_, q(WSSE, "Reference"), URI="#" + targets["Token"][1], ValueType=X509_PROFILE + "X509v3")
    elif how.key_info == "issuer-serial":
        data = etree.SubElement(str_, q(DS, "X509Data"))
        serial = etree.SubElement(data, q(DS, "X509IssuerSerial"))
        etree.SubElement(serial, q(DS, "X509IssuerName")).text = certificate.issuer.rfc4514_string()
        etree.SubElement(serial, q(DS, "X509SerialNumber")).text = how.serial or str(certificate.serial_number)
    elif how.key_info == "subject-key-identifier":
        identifier = etree.SubElement(str_, q(WSSE, "KeyIdentifier"), EncodingType=BASE64,
                                      ValueType=X509_PROFILE + "X509SubjectKeyIdentifier")
        identifier.text = base64.b64encode(ski_of(how.certificate)).decode()
    elif how.key_info == "thumbprint":
        identifier = etree.SubElement(
            str_, q(WSSE, "KeyIdentifier"), EncodingType=BASE64,
            ValueType="http://docs.oasis-open.org/wss/oasis-wss-soap-message-security-1.1#ThumbprintSHA1")
        from cryptography.hazmat.primitives import hashes
        identifier.text = base64.b64encode(certificate.fingerprint(hashes.SHA1())).decode()
    else:
        raise ValueError(f"no such key_info: {how.key_info}")


@dataclass
class Checks:
    """The checks of verify(); each can be left out, as a careless beneficiary does."""

    certificate: bytes = b""  # PEM: MPay's registered certificate
    now: Optional[datetime.datetime] = None
    skew: datetime.timedelta = datetime.timedelta(minutes=5)
    algorithms: tuple = ("rsa-sha1", "rsa-sha256")
    signature: bool = True  # required
    covers: tuple = ("Body", "Timestamp")  # must be covered
    any_key: bool = False  # trusts the certificate in the message
    ignore_digests: bool = False  # nothing is verified
    timestamp: bool = True  # required
    expired: bool = True  # refuses an expired Timestamp
    future: bool = True  # refuses a Timestamp in the future


def read(data):
    """Returns the envelope's tree; refuses an envelope that SOAP forbids."""
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False)
    try:
        root = etree.fromstring(data, parser)
    except etree.XMLSyntaxError as error:
        raise Refused("InvalidXML", str(error)) from error
    if root.getroottree().docinfo.doctype:
        raise Refused("InvalidXML", "it has a document type declaration")
    if root.tag != q(SOAP, "Envelope"):
        raise Refused("NotSoap", f"the root is {root.tag}")
    return root


def verify(data, checks):
    """Returns the payload of an accepted request: the child of the signed Body. Raises Refused."""
    root = read(data)
    bodies = root.findall(q(SOAP, "Body"))
    headers = root.findall(q(SOAP, "Header"))
    if len(bodies) != 1 or len(headers) > 1:
        raise Refused("MalformedSecurity", "there is not exactly one Body, or more than one Header")
    body = bodies[0]
    payload = body[0] if len(body) == 1 else None
    if payload is None:
        raise Refused("MalformedSecurity", "the Body has not exactly one child")
    security = headers[0].find(q(WSSE, "Security")) if headers else None
    signature = security.find(q(DS, "Signature")) if security is not None else None
    timestamp = security.find(q(WSU, "Timestamp")) if security is not None else None
    if checks.timestamp and timestamp is None:
        raise Refused("TimestampMissing", "there is no Timestamp")
    if timestamp is not None:
        verify_time(timestamp, checks)
    if signature is None:
        if checks.signature:
            raise Refused("MissingSignature", "there is no Signature")
        return payload
    verify_signature(root, security, signature, {"Body": body, "Timestamp": timestamp}, checks)
    return payload


def verify_time(timestamp, checks):
    now = checks.now or datetime.datetime.now(datetime.timezone.utc).replace(tzinfo=None)
    try:
        times = [datetime.datetime.fromisoformat(timestamp.findtext(q(WSU, name)).rstrip("Z"))
                 for name in ("Created", "Expires")]
    except (AttributeError, ValueError) as error:
        raise Refused("MalformedTimestamp", "Created or Expires is no time") from error
    if checks.future and times[0] > now + checks.skew:
        raise Refused("TimestampInFuture", "it was created later than now")
    if checks.expired and times[1] < now - checks.skew:
        raise Refused("TimestampExpired", "it is over")


def verify_signature(root, security, signature, targets, checks):
    ids = {}
    for element in root.iter(etree.Element):
        identifier = element.get(q(WSU, "Id"))
        if identifier is not None:
            if identifier in ids:
                raise Refused("DuplicateId", "an id stands there twice")
            ids[identifier] = element
    info = signature.find(q(DS, "SignedInfo"))
    algorithms = {SIGNATURES[name][0].href for name in checks.algorithms}
    if info.find(q(DS, "SignatureMethod")).get("Algorithm") not in algorithms:
        raise Refused("AlgorithmNotAllowed", "its signature method is not allowed")
    if info.find(q(DS, "CanonicalizationMethod")).get("Algorithm") != xmlsec.Transform.EXCL_C14N.href:
        raise Refused("AlgorithmNotAllowed", "SignedInfo is not in exclusive canonical form")
    covered = []
    context = xmlsec.SignatureContext()
    for reference in info.findall(q(DS, "Reference")):
        element = ids.get(reference.get("URI", "")[1:])
        if element is None or not reference.get("URI").startswith("#"):
            raise Refused("ReferenceNotAllowed", "a reference leads nowhere")
        for transform in reference.iter(q(DS, "Transform")):
            if transform.get("Algorithm") != xmlsec.Transform.EXCL_C14N.href:
                raise Refused("AlgorithmNotAllowed", "a transform is not exclusive canonicalization")
        context.register_id(element, "Id", WSU)
        covered.append(element)
    for name in checks.covers:
        if targets[name] is not None and targets[name] not in covered:
            raise Refused(f"{name}NotSigned", f"the signature does not cover the {name}")
    if checks.ignore_digests:
        return
    pem = checks.certificate
    if checks.any_key:
        token = security.find(q(WSSE, "BinarySecurityToken"))
        pem = x509.load_der_x509_certificate(base64.b64decode(token.text)).public_bytes(serialization.Encoding.PEM)
    context.key = xmlsec.Key.from_memory(pem, xmlsec.KeyFormat.CERT_PEM)
    try:
        context.verify(signature)
    except xmlsec.Error as error:
        raise Refused("SignatureMismatch", "the signature does not hold") from error


def zeep_verify(data, certificate_file):
    """Raises Refused unless zeep's own wsse module accepts the envelope."""
    from zeep.exceptions import SignatureVerificationFailed
    from zeep.wsse import signature
    try:
        signature.verify_envelope(read(data), certificate_file)
    except (SignatureVerificationFailed, IndexError, AttributeError) as error:  # the last two: something is not found
        raise Refused("SignatureMismatch", str(error)) from error


def zeep_sign(payload, key_file, certificate_file, algorithm, token):
    """Returns an answer by zeep's own wsse module: BinarySignature, or Signature with X509Data."""
    from zeep.wsse import signature, utils
    kind = signature.BinarySignature if token else signature.Signature
    method, digest = SIGNATURES[algorithm]
    root = envelope_of(payload)
    security = utils.get_security_header(root)
    now = datetime.datetime.now(datetime.timezone.utc).replace(tzinfo=None, microsecond=0)
    timestamp = etree.SubElement(security, q(WSU, "Timestamp"))
    etree.SubElement(timestamp, q(WSU, "Created")).text = instant(now)
    etree.SubElement(timestamp, q(WSU, "Expires")).text = instant(now + datetime.timedelta(minutes=5))
    kind(key_file, certificate_file, signature_method=method, digest_method=digest).apply(root, {})
    return etree.tostring(root)


def main():
    """Jobs: {"do": "sign" | "verify" | "zeep-verify" | "zeep-sign", ...}; results: {"ok": text} or {"refused": reason,
    "message": text}. Files are named by path, envelopes and payloads are text."""
    def content(path):
        with open(path, "rb") as file:
            return file.read()

    def time(text):
        return datetime.datetime.fromisoformat(text.rstrip("Z"))

    results = []
    for job in json.load(sys.stdin):
        try:
            if job["do"] == "sign":
                options = dict(job.get("options", {}))
                if "signs" in options:
                    options["signs"] = tuple(options["signs"])
                for name in ("created", "expires"):
                    if name in options:
                        options[name] = time(options[name])
                how = Signing(key=content(job["key"]), certificate=content(job["certificate"]), **options)
                result = sign(job["payload"], how).decode()
            elif job["do"] == "verify":
                checks = Checks(certificate=content(job["certificate"]),
                                now=time(job["now"]) if "now" in job else None)
                result = etree.tostring(verify(job["envelope"].encode(), checks)).decode()
            elif job["do"] == "zeep-verify":
                zeep_verify(job["envelope"].encode(), job["certificate"])
                result = ""
            else:
                result = zeep_sign(job["payload"], job["key"], job["certificate"], job["algorithm"],
                                   job["token"]).decode()
            results.append({"ok": result})
        except Refused as refused:
            results.append({"refused": refused.reason, "message": refused.message})
    json.dump(results, sys.stdout)


if __name__ == "__main__":
    main()
