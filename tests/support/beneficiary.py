#!/usr/bin/python3
"""A beneficiary's web service by MPay's technical guide, correct and strict by default.

It serves IServiceProvider over HTTPS on a loopback port that the kernel chooses, prints its URL, and keeps orders and
payments in memory. `--defect NAME` adds a defect; `--list-defects` lists them. With `--variants-by-path` each path
serves a service of its own: /NAME+NAME has these defects and variants, / has none.

MPay's registered certificate verifies requests; wssecurity.py signs answers. SIGHUP makes the service read the
beneficiary's key and certificate again.
"""
import argparse
import copy
import datetime
import http.server
import json
import os
import signal
import socket
import ssl
import struct
import sys
import tempfile
import threading
import time
from decimal import Decimal, InvalidOperation

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from lxml import etree

import wssecurity
from wssecurity import MPAY, SOAP, WSSE, WSU, Checks, Refused, Signing, fault_of, q

# The possible defects, each in words. The defect matrix names the checks that find them.
DEFECTS = {
    # Transport and envelope
    "does-not-listen": "nothing listens on the port",
    "tls-1.1": "it speaks no TLS later than 1.1",
    "self-signed": "its TLS certificate is its own, from no authority",
    "redirect": "it redirects to another path",
    "soap-1.2-content-type": "answers come as application/soap+xml",
    "html": "it answers with an HTML page and status 200",
    "refuses-soap-action": "it refuses requests with a SOAPAction, status 415",
    "refuses-every-action": "it refuses every SOAPAction with a fault ActionNotSupported",
    "wants-empty-action": "it takes an empty SOAPAction alone",
    "body-first": "the Body precedes the Header",
    "dtd": "answers have a document type declaration",
    "xml-1.1": "answers declare XML 1.1",
    "two-bodies": "answers have a second Body",
    "fault-200": "faults come with status 200",
    "qualified-faultcode": "the members of faults are in SOAP's namespace",
    "unknown-header": "a header that MPay does not know must be understood",
    "latin-charset": "the Content-Type says ISO-8859-1, the answer is in UTF-8",
    "tls-stalls": "the TLS handshake never ends",
    "response-name": "the Body's child is GetOrderDetailsResult",
    "response-namespace": "the Body's child is in http://mpay.gov.md",
    # Attacks and failures of the peer
    "endless": "the body never ends",
    "drip": "the body comes one byte at a time",
    "bomb": "the body is a compressed bomb",
    "big-header": "a header of 64 KiB",
    "reset": "the connection is reset in the middle of the answer",
    # Security of answers
    "unsigned": "answers are not signed",
    "other-actors-security": "the Security header is for another actor",
    "very-many-references": "the signature has forty References",
    "body-unsigned": "the signature covers the Timestamp alone",
    "timestamp-unsigned": "the signature covers the Body alone",
    "wrapping": "the signed Body is moved aside and another put in its place",
    "tampered": "the Body is changed after it was signed",
    "reformatted": "answers are indented after they were signed",
    "wrong-key": "answers are signed with a key that is not registered",
    "other-token": "the token is not the certificate of the key that signed",
    "issuer-serial": "KeyInfo is an X509IssuerSerial",
    "key-info-none": "there is no KeyInfo",
    "thumbprint": "KeyInfo is a thumbprint",
    "key-value": "KeyInfo is a KeyValue alone",
    "key-info-namespace": "KeyInfo is of another namespace",
    "serial-hex": "the X509SerialNumber is hexadecimal",
    "serial-other": "the X509SerialNumber is of another certificate",
    "token-not-certificate": "the token is no certificate",
    "rsa-sha512": "answers are signed with rsa-sha512",
    "mixed-digest": "digests are of another algorithm than the signature",
    "undeclared-algorithm": "answers are signed with the other algorithm than was declared",
    "inclusive-c14n": "canonicalization is not exclusive",
    "str-transform": "the token is signed by STR-Transform",
    "relative-namespace": "the envelope declares a namespace that is relative",
    "serial-beside": "X509Data holds the certificate and the serial of another",
    "no-transforms": "References have no Transforms",
    "stale-timestamp": "the Timestamp ended an hour ago",
    "future-timestamp": "the Timestamp begins in an hour",
    "no-timestamp": "there is no Timestamp",
    "local-time": "the Timestamp is not in UTC",
    "endless-timestamp": "the Timestamp holds for ten years",
    "timestamp-namespace": "the Timestamp is of another namespace",
    "no-expires": "the Timestamp has no Expires",
    "day-timestamp": "the Timestamp holds for a day",
    "hours-timestamp": "the Timestamp holds for two hours",
    "replay": "every answer is the first one again",
    "duplicate-ids": "two elements have one id",
    "plain-ids": "ids are attributes without a namespace",
    "token-plain-id": "the token's id is an attribute without a namespace",
    "digit-ids": "ids begin with a digit",
    # Security of requests
    "accepts-unsigned": "requests need no signature",
    "redirects-refused": "requests that are refused are redirected",
    "ignores-digests": "signatures are looked at, but not verified",
    "any-key": "requests are verified with the certificate that came along",
    "accepts-timestamp-alone": "a signature need not cover the Body",
    "accepts-expired": "expired requests are accepted",
    "accepts-future": "requests of the future are accepted",
    "accepts-no-timestamp": "requests need no Timestamp",
    "refuses-genuine": "genuine requests are refused",
    "no-security": "WS-Security is not understood: signed requests are refused, unsigned ones accepted",
    "refuses-rsa-sha1": "requests signed with rsa-sha1 are refused",
    "refuses-prefixes": "requests whose payload has a prefix are refused",
    "wants-prefixes": "requests whose payload has no prefix are refused",
    "refuses-prefix-lists": "requests with an InclusiveNamespaces PrefixList are refused",
    "refuses-short-timestamps": "requests that hold for less than five minutes are refused",
    # GetOrderDetails
    "known-missing": "no order is ever found",
    "other-service-id": "orders are of another ServiceID",
    "other-order-key": "orders have another OrderKey",
    "member-order": "members are not in alphabetical order",
    "unknown-member": "orders have a member that there is not",
    "singular-flags": "a flag is written as in the guide's table, without s",
    "text-between": "there is text between members",
    "obsolete-members": "the account has members of the WSDL of 2016",
    "no-reason": "orders have no Reason",
    "long-reason": "the Reason has 51 characters",
    "long-name": "CustomerName has 61 characters",
    "long-both": "CustomerName has 61 characters and Reason 51",
    "no-customer": "orders have neither CustomerID, CustomerName nor CustomerType",
    "bare-properties": "properties have neither DisplayName nor Value",
    "bad-amount": "an amount is written with a comma",
    "empty-total": "TotalAmountDue is empty",
    "nil-total": "TotalAmountDue is nil",
    "two-totals": "TotalAmountDue stands there twice",
    "known-comma": "the known order's total is written with a decimal comma",
    "payable-comma": "the payable order's amounts are written with a thousands comma",
    "negative-line": "a line's amount is negative",
    "element-in-value": "a value holds an element",
    "nil-customer": "a member is nil",
    "no-such-day": "an order was issued on 31 February",
    "lower-case-status": "Status is written in lower case",
    "customer-type": "CustomerType is one that there is not",
    "empty-customer-type": "CustomerType is empty",
    "no-currency": "Currency is LEI",
    "no-lines": "orders have no line",
    "wrong-sum": "the lines do not add up to the total",
    "too-much": "a line has more than the total, another no amount",
    "other-amount": "the order has another amount than was told",
    "other-currency": "the order is in euros",
    "no-bank-code": "the account has no BankCode",
    "no-account": "lines have no account",
    "empty-account": "lines have an empty account",
    "bad-iban": "the IBAN has a wrong checksum",
    "no-total": "there is no total, and no flag that allows that",
    "no-russian": "Language ru is refused",
    "no-capitals": "Language RO is refused",
    "needs-language": "requests without Language are refused",
    "unstable": "each call gives another amount",
    "accepts-unknown-service": "ServiceID is not looked at",
    "unknown-service-internal": "an unknown ServiceID gives InternalError",
    "unknown-order-internal": "an unknown OrderKey gives InternalError",
    "invents-orders": "an unknown OrderKey gives an order",
    "ignores-length": "a key that is too long gives an order",
    # ConfirmOrderPayment
    "confirmation-content": "the answer to a confirmation is not empty",
    "confirmation-unsigned": "the answer to a confirmation is not signed",
    "refuses-repeated": "the same PaymentID again is refused",
    "counts-repeated": "the same PaymentID again counts again",
    "remembers-last": "only the last PaymentID is known again",
    "confirms-unknown": "any order of any service can be confirmed",
    "confirms-other-services": "the ServiceID of a confirmation is not looked at",
    "invalid-service": "a confirmation for an unknown service gives InvalidParameter",
    "refuses-invoice-ids": "an InvoiceID is refused",
    "refuses-line-properties": "Properties of lines are refused",
    "refuses-empty-account": "an empty DestinationAccount is refused",
    "refuses-properties": "unknown Properties are refused",
    "never-paid": "a payment changes nothing",
    "paid-at-once": "an order is Paid after any payment",
    "forgets-amounts": "an order that was paid in part says no amount",
    "comma-when-paid": "amounts are written with a comma once something was paid",
}

# Correct answers that differ from the documented samples.
VARIANTS = {
    "rsa-sha256": "answers are signed with rsa-sha256",
    "token": "KeyInfo refers to a BinarySecurityToken",
    "subject-key-identifier": "KeyInfo holds a SubjectKeyIdentifier",
    "x509": "KeyInfo holds the certificate",
    "unsigned-faults": "faults are not signed",
    "both-ids": "each element has its id twice, as wsu:Id and as Id",
    "seven-references": "further headers are signed too",
    "xades": "the signature has an Object with signed properties",
    "chain": "X509Data holds other certificates before the signer's",
    "key-name": "a KeyName stands beside what KeyInfo holds",
    "other-actors": "a Security header for another actor comes first",
    "next-actor": "the Security header is for the next actor",
    "invalid-parameter": "an unknown OrderKey gives InvalidParameter",
    "empty-result": "an unknown OrderKey gives an empty result",
    "midnight": "an order was issued at 24:00:00",
    "property-types": "properties have every type of the published samples",
    "published-sample": "orders are as in MPay's published answer, with a Reason of 66 characters",
}

ACCOUNT = {"BankAccount": "MD77TRGAAA14153401000000", "BankCode": "TREZMD2X", "BankFiscalCode": "1006601000255",
           "BeneficiaryName": "Model Beneficiary"}
ORDERS = [
    {"key": "KNOWN-1", "lines": [{"id": "1", "amount": "200.00"}, {"id": "2", "amount": "34.50"}]},
    {"key": "PAYABLE-1", "lines": [{"id": "1", "amount": "100.00"}, {"id": "2", "amount": "50.00"}]},
    {"key": "PARTIAL-1", "partial": True, "lines": [{"id": "1", "amount": "90.00"}, {"id": "2", "amount": "60.00"}]},
    {"key": "LINES-1", "partial": True, "lines-alone": True,
     "lines": [{"id": "1", "amount": "90.00"}, {"id": "2", "amount": "60.00"}]},
    {"key": "ADVANCE-1", "advance": True, "lines": [{"id": "1"}]},
]


ADDRESSING = "http://schemas.microsoft.com/ws/2005/05/addressing/none"  # for ActionNotSupported


def instant(text):
    return datetime.datetime.fromisoformat(text.rstrip("Z"))


class Fault(Exception):
    def __init__(self, code, text, space=MPAY):
        super().__init__(text)
        self.code, self.text, self.space = code, text, space


def element(parent, name, text=None):
    made = etree.SubElement(parent, q(MPAY, name))
    if text is not None:
        made.text = text
    return made


class Stranger:
    """A key that nobody registered, made once."""

    lock = threading.Lock()
    made = None

    @classmethod
    def get(cls, names=("stranger",)):
        key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, names[0])])
        now = datetime.datetime.utcnow()
        certificate = (x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
                       .serial_number(x509.random_serial_number()).not_valid_before(now - datetime.timedelta(hours=1))
                       .not_valid_after(now + datetime.timedelta(days=1))
                       .add_extension(x509.SubjectAlternativeName([x509.DNSName(n) for n in names]), False)
                       .sign(key, hashes.SHA256()))
        return (key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
                                  serialization.NoEncryption()),
                certificate.public_bytes(serialization.Encoding.PEM))

    @classmethod
    def once(cls):
        with cls.lock:
            cls.made = cls.made or cls.get()
            return cls.made


class Service:
    """One beneficiary: its orders, its payments, and its defects."""

    def __init__(self, options, names):
        unknown = [name for name in names if name not in DEFECTS and name not in VARIANTS]
        if unknown:
            raise KeyError(", ".join(unknown))
        self.names = frozenset(names)
        self.options = options
        self.orders = {order["key"]: order for order in copy.deepcopy(options.orders)}
        self.payments = {}  # for each order: PaymentID -> amount, in the order of arrival
        self.calls = 0
        self.first = None

    def has(self, name):
        return name in self.names

    # --- Requests ---

    def checks(self):
        algorithms = ("rsa-sha256",) if self.has("refuses-rsa-sha1") else ("rsa-sha1", "rsa-sha256")
        return Checks(certificate=self.options.mpay, skew=datetime.timedelta(minutes=5), algorithms=algorithms,
                      signature=not self.has("accepts-unsigned"),
                      covers=("Timestamp",) if self.has("accepts-timestamp-alone") else ("Body", "Timestamp"),
                      any_key=self.has("any-key"), ignore_digests=self.has("ignores-digests"),
                      timestamp=not self.has("accepts-no-timestamp"), expired=not self.has("accepts-expired"),
                      future=not self.has("accepts-future"))

    def accept(self, data):
        """Returns the payload of an accepted request; raises Fault."""
        try:
            if self.has("no-security"):
                root = wssecurity.read(data)
                if root.find(f".//{q(WSSE, 'Security')}/{{{wssecurity.DS}}}Signature") is not None:
                    raise Fault("MustUnderstand", "a header was not understood", SOAP)
                return root.find(q(SOAP, "Body"))[0]
            payload = wssecurity.verify(data, self.checks())
        except Refused as refused:
            raise Fault("AuthenticationFailed", refused.message) from refused
        if self.has("refuses-genuine"):
            raise Fault("AuthenticationFailed", "the signature does not hold")
        return payload

    def judge_form(self, data, action):
        """Refuses some forms of MPay's requests, as hand-written services do."""
        if self.has("refuses-every-action") or (self.has("wants-empty-action") and action.strip('"')):
            raise Fault("ActionNotSupported", f"there is no operation for the action {action}", ADDRESSING)
        has_prefix = b"<mpay:" in data
        if (has_prefix and self.has("refuses-prefixes")) or (not has_prefix and self.has("wants-prefixes")):
            raise Fault("InternalError", "there is no such element")
        if b"PrefixList" in data and self.has("refuses-prefix-lists"):
            raise Fault("AuthenticationFailed", "the digest does not hold")
        if self.has("refuses-short-timestamps"):
            times = [instant(time.text) for time in etree.fromstring(data).iter(q(WSU, "Created"), q(WSU, "Expires"))]
            if times and times[1] - times[0] < datetime.timedelta(minutes=5):
                raise Fault("AuthenticationFailed", "the Timestamp is over")

    def handle(self, data, action):
        """Returns the status and the bytes of the answer."""
        self.calls += 1
        confirms = False
        try:
            self.judge_form(data, action)
            payload = self.accept(data)
            if self.has("replay") and self.first:
                return self.first
            confirms = payload.tag == q(MPAY, "ConfirmOrderPayment")
            if confirms:
                answer = self.confirm(payload.find(q(MPAY, "confirmation")))
            elif payload.tag == q(MPAY, "GetOrderDetails"):
                answer = self.details(payload.find(q(MPAY, "query")))
            else:
                raise Fault("InvalidParameter", "there is no such operation")
            status = 200
        except Fault as fault:
            answer = etree.fromstring(fault_of(fault.code, fault.text, fault.space))
            if self.has("qualified-faultcode"):
                for child in answer:
                    child.tag = q(SOAP, child.tag)
            if self.has("redirects-refused") and fault.code == "AuthenticationFailed":
                return 307, b""
            status = 200 if self.has("fault-200") else 500
        data = self.seal(answer, confirms, status)
        if status == 200 and not self.first:
            self.first = (status, data)
        return status, data

    # --- The two operations ---

    def of_query(self, query):
        if query is None:
            raise Fault("InvalidParameter", "there is no query or confirmation")
        service = query.findtext(q(MPAY, "ServiceID")) or ""
        key = query.findtext(q(MPAY, "OrderKey")) or ""
        if service != self.options.service_id and not self.has("accepts-unknown-service"):
            confirms = query.tag == q(MPAY, "confirmation")
            if confirms and self.has("invalid-service"):
                raise Fault("InvalidParameter", "there is no such service")
            if not (confirms and (self.has("confirms-unknown") or self.has("confirms-other-services"))):
                raise Fault("InternalError" if self.has("unknown-service-internal") else "UnknownService",
                            "there is no such service")
        if len(key) > 36 and not self.has("ignores-length"):
            raise Fault("InvalidParameter", "OrderKey has more than 36 characters")
        return service, key

    def details(self, query):
        service, key = self.of_query(query)
        language = query.findtext(q(MPAY, "Language"))
        allowed = ("ro", "en") if self.has("no-russian") else ("ro", "ru", "en")
        asked = language if self.has("no-capitals") else (language or "ro").lower()
        if (language is None and self.has("needs-language")) or (language is not None and asked not in allowed):
            raise Fault("InvalidParameter", "there is no such language")
        answer = etree.Element(q(MPAY, "GetOrderDetailsResponse"), nsmap={None: MPAY})
        result = element(answer, "GetOrderDetailsResult")
        order = None if self.has("known-missing") else self.orders.get(key)
        if self.has("invents-orders") or (self.has("ignores-length") and len(key) > 36):
            order = order or {**self.orders["KNOWN-1"], "key": key[:36]}
        if order is None:
            if self.has("unknown-order-internal"):
                raise Fault("InternalError", "something went wrong")
            if self.has("invalid-parameter"):
                raise Fault("InvalidParameter", "there is no such order")
            if not self.has("empty-result"):
                raise Fault("UnknownOrder", "there is no such order")
            return answer
        self.write(element(result, "OrderDetails"), order, service)
        return self.bend(answer)

    def write(self, to, order, service):
        paid = sum(self.payments.get(order["key"], {}).values(), Decimal(0))
        amounts = [Decimal(line["amount"]) if "amount" in line else None for line in order["lines"]]
        open_ = "amount" not in order["lines"][0]
        total = sum((amount for amount in amounts if amount is not None), Decimal(0))
        for name in ("advance", "partial"):
            if order.get(name):
                element(to, f"Allow{name.capitalize()}Payments", "true")
        element(to, "Currency", "MDL")
        element(to, "CustomerID", "2001234567897")
        element(to, "CustomerName", "Model Payer")
        element(to, "CustomerType", "Person")
        element(to, "IssuedAt", "2025-07-10T09:26:29")
        lines = element(to, "Lines")
        left = paid
        for line, amount in zip(order["lines"], amounts):
            item = element(lines, "OrderLine")
            if amount is not None:
                covered = min(left, amount)
                left -= covered
                element(item, "AmountDue", str(amount - covered - (left if line is order["lines"][-1] else 0)))
            account = element(item, "DestinationAccount")
            for name, text in ACCOUNT.items():
                element(account, name, text)
            element(item, "LineID", line["id"])
            element(item, "Reason", line.get("reason", "Model service"))
        element(to, "OrderKey", order["key"])
        properties = element(to, "Properties")
        item = element(properties, "OrderProperty")
        for name, text in (("DisplayName", "Year"), ("Name", "year"), ("Value", "2025")):
            element(item, name, text)
        element(to, "Reason", order.get("reason", "Model service"))
        element(to, "ServiceID", service)
        element(to, "Status", "Active" if not paid else
                "Paid" if self.has("paid-at-once") or (paid >= total and not open_) else "PartiallyPaid")
        if self.has("forgets-amounts") and paid:
            for item in lines:
                item.remove(item.find(q(MPAY, "AmountDue")))
        elif not open_ and not order.get("lines-alone"):
            element(to, "TotalAmountDue", str(total - paid))
        if self.has("comma-when-paid") and paid:
            with_comma(to)
        if self.has("property-types") or self.has("published-sample"):
            add_properties(to)
        if self.has("published-sample"):
            be_published(to)

    def confirm(self, confirmation):
        _, key = self.of_query(confirmation)
        answer = etree.Element(q(MPAY, "ConfirmOrderPaymentResponse"), nsmap={None: MPAY})
        if self.has("confirmation-content"):
            element(answer, "ConfirmOrderPaymentResult", "OK")
        order = self.orders.get(key)
        if order is None:
            if self.has("confirms-unknown"):
                return answer
            raise Fault("UnknownOrder", "there is no such order")
        if self.has("refuses-empty-account"):
            for account in confirmation.iter(q(MPAY, "DestinationAccount")):
                if len(account) == 0:
                    raise Fault("InvalidParameter", "DestinationAccount is incomplete")
        if self.has("refuses-invoice-ids") and confirmation.find(q(MPAY, "InvoiceID")) is not None:
            raise Fault("InvalidParameter", "there is no such invoice")
        if self.has("refuses-line-properties") and confirmation.find(
                f".//{q(MPAY, 'PaymentConfirmationLine')}/{q(MPAY, 'Properties')}") is not None:
            raise Fault("InvalidParameter", "there is no such property")
        if self.has("refuses-properties") and confirmation.find(f".//{q(MPAY, 'PaymentProperty')}") is not None:
            raise Fault("InvalidParameter", "there is no such property")
        payment = confirmation.findtext(q(MPAY, "PaymentID")) or ""
        try:
            amount = Decimal(confirmation.findtext(q(MPAY, "TotalAmount")))
        except (InvalidOperation, TypeError) as error:
            raise Fault("InvalidParameter", "TotalAmount is no number") from error
        if not payment or len(payment) > 36 or amount <= 0:
            raise Fault("InvalidParameter", "PaymentID or TotalAmount is not one")
        if self.options.payments:
            with open(self.options.payments, "a", encoding="utf-8") as file:
                file.write(f"{key} {payment} {amount}\n")
        known = self.payments.setdefault(key, {})
        repeated = payment in known
        if self.has("remembers-last"):
            repeated = bool(known) and list(known)[-1] == payment
        if repeated and self.has("refuses-repeated"):
            raise Fault("InvoiceAlreadyPaid", "it is paid already")
        if repeated and not self.has("counts-repeated"):
            if known[payment] != amount:
                raise Fault("InvalidParameter", "the PaymentID is that of another amount")
            return answer
        due = sum((Decimal(line["amount"]) for line in order["lines"] if "amount" in line), Decimal(0))
        paid = sum(known.values(), Decimal(0))
        careless = self.has("counts-repeated") or self.has("remembers-last") or self.has("never-paid")
        if not order.get("advance") and not careless:
            if paid >= due:
                raise Fault("InvoiceAlreadyPaid", "it is paid already")
            if paid + amount > due or (not order.get("partial") and amount != due):
                raise Fault("InvalidParameter", "the amount is not what is due")
        if not self.has("never-paid"):
            # A payment that counts again is kept beside the first one.
            known[f"{payment}#{len(known)}" if payment in known else payment] = amount
        return answer

    def bend(self, answer):
        """Adds the defects to a correct order."""
        order = answer.find(f".//{q(MPAY, 'OrderDetails')}")
        find = lambda name: order.find(f".//{q(MPAY, name)}")
        own = lambda name: order.find(q(MPAY, name))
        if self.has("other-service-id"):
            own("ServiceID").text = "OTHER-SERVICE"
        if self.has("other-order-key"):
            own("OrderKey").text = "OTHER-ORDER"
        if self.has("member-order"):
            order.insert(0, own("Status"))
        if self.has("unknown-member"):
            order.append(etree.Element(q(MPAY, "Vat")))
        if self.has("singular-flags"):
            flag = etree.Element(q(MPAY, "AllowPartialPayment"))
            flag.text = "false"
            order.insert(0, flag)
        if self.has("text-between"):
            own("Status").tail = "open"
        if self.has("obsolete-members"):
            for account in order.iter(q(MPAY, "DestinationAccount")):
                element(account, "TreasuryAccount", "1")
                account.insert(3, etree.Element(q(MPAY, "BankName")))
        if self.has("no-reason"):
            order.remove(own("Reason"))
        if self.has("latin-charset"):
            own("Reason").text = "Servicii în orașe"
        if self.has("long-reason"):
            own("Reason").text = "R" * 51
        if self.has("long-both"):
            own("Reason").text = "R" * 51
        if self.has("long-name") or self.has("long-both"):
            own("CustomerName").text = "N" * 61
        if self.has("no-customer"):
            for name in ("CustomerID", "CustomerName", "CustomerType"):
                order.remove(own(name))
        if self.has("bare-properties"):
            for item in order.iter(q(MPAY, "OrderProperty")):
                for name in ("DisplayName", "Value"):
                    item.remove(item.find(q(MPAY, name)))
        if self.has("empty-total"):
            own("TotalAmountDue").text = None
        if self.has("nil-total"):
            be_nil(own("TotalAmountDue"))
        if self.has("two-totals"):
            order.append(copy.deepcopy(own("TotalAmountDue")))
        if self.has("known-comma") and own("OrderKey").text == "KNOWN-1":
            own("TotalAmountDue").text = own("TotalAmountDue").text.replace(".", ",")
        if self.has("payable-comma") and own("OrderKey").text != "KNOWN-1":
            # As in an answer on 1,234.50, of which only the second line can be read.
            own("TotalAmountDue").text = "1,234.50"
            for item, text in zip(own("Lines"), ("1,200.00", "34.50")):
                item.find(q(MPAY, "AmountDue")).text = text
        if self.has("element-in-value"):
            own("Reason").text = "a "
            element(own("Reason"), "b", "b")
        if self.has("nil-customer"):
            be_nil(own("CustomerID"))
        if self.has("no-such-day"):
            own("IssuedAt").text = "2025-02-31T09:26:29"
        if self.has("midnight"):
            own("IssuedAt").text = "2025-02-28T24:00:00"
        if self.has("empty-customer-type"):
            own("CustomerType").text = None
        if self.has("no-currency"):
            own("Currency").text = "LEI"
        if self.has("other-currency"):
            own("Currency").text = "EUR"
        if self.has("no-account") or self.has("empty-account"):
            for item in own("Lines"):
                account = item.find(q(MPAY, "DestinationAccount"))
                if self.has("empty-account"):
                    for child in list(account):
                        account.remove(child)
                else:
                    item.remove(account)
        if self.has("negative-line"):
            amounts = list(order.iter(q(MPAY, "AmountDue")))
            total = sum(Decimal(amount.text) for amount in amounts)
            amounts[0].text, amounts[1].text = "-1.00", str(total + 1)
        if self.has("too-much"):
            amounts = list(order.iter(q(MPAY, "AmountDue")))
            amounts[0].text = "1000.00"
            amounts[1].getparent().remove(amounts[1])
        if self.has("bad-amount"):
            find("AmountDue").text = find("AmountDue").text.replace(".", ",")
        if self.has("lower-case-status"):
            own("Status").text = own("Status").text.lower()
        if self.has("customer-type"):
            own("CustomerType").text = "Company"
        if self.has("no-lines"):
            for line in list(own("Lines")):
                own("Lines").remove(line)
        if self.has("wrong-sum"):
            find("AmountDue").text = str(Decimal(find("AmountDue").text) + 1)
        if self.has("other-amount") or self.has("unstable"):
            more = self.calls if self.has("unstable") else 5
            if own("OrderKey").text == "KNOWN-1" and (self.has("other-amount") or self.calls > 1):
                for name in ("AmountDue", "TotalAmountDue"):
                    if find(name) is not None:
                        find(name).text = str(Decimal(find(name).text) + more)
        if self.has("no-bank-code"):
            find("DestinationAccount").remove(find("BankCode"))
        if self.has("bad-iban"):
            find("BankAccount").text = "MD78TRGAAA14153401000000"
        if self.has("no-total") and own("TotalAmountDue") is not None:
            order.remove(own("TotalAmountDue"))
        if self.has("response-name"):
            answer.tag = q(MPAY, "GetOrderDetailsResult")
        if self.has("response-namespace"):
            renamed = etree.tostring(answer).replace(MPAY.encode(), b"http://mpay.gov.md")
            answer = etree.fromstring(renamed)
        return answer

    # --- Answers ---

    def seal(self, payload, confirms, status):
        how = Signing(key=self.options.signing_key, certificate=self.options.signing_certificate,
                      algorithm=self.options.algorithm, key_info=self.options.key_info)
        for name in ("token", "subject-key-identifier", "x509", "issuer-serial", "thumbprint", "key-value"):
            if self.has(name):
                how.key_info = name
        if self.has("serial-hex") or self.has("serial-other"):
            how.key_info, how.serial = "issuer-serial", "1f" if self.has("serial-hex") else "31"
        if self.has("chain"):
            how.key_info, how.certificates = "x509", (Stranger.once()[1],)
        if self.has("serial-beside"):
            how.key_info, how.serial = "x509", "31"
        how.key_name = self.has("key-name")
        how.both_ids = self.has("both-ids")
        how.token_wsu_id = not self.has("token-plain-id")
        how.id_prefix = "1" if self.has("digit-ids") else ""
        how.xades = self.has("xades")
        how.str_transform = self.has("str-transform")
        how.no_transforms = self.has("no-transforms")
        how.more_references = 38 if self.has("very-many-references") else 5 if self.has("seven-references") else 0
        how.key_info_space = "urn:model" if self.has("key-info-namespace") else None
        how.token_text = "bm8gY2VydGlmaWNhdGU=" if self.has("token-not-certificate") else None
        how.actor = ("http://schemas.xmlsoap.org/soap/actor/next" if self.has("next-actor")
                     else "urn:model:auditor" if self.has("other-actors-security") else None)
        how.other_actors = self.has("other-actors")
        how.unknown_header = self.has("unknown-header")
        how.no_expires = self.has("no-expires")
        if self.has("key-info-none"):
            how.key_info = "none"
        for name in ("rsa-sha256", "rsa-sha512"):
            if self.has(name):
                how.algorithm = name
        other = {"rsa-sha1": "rsa-sha256", "rsa-sha256": "rsa-sha1"}
        if self.has("undeclared-algorithm"):
            how.algorithm = other[how.algorithm]
        if self.has("mixed-digest"):
            how.digest = other[how.algorithm]
        if self.has("unsigned") or (self.has("confirmation-unsigned") and confirms) or (
                self.has("unsigned-faults") and payload.tag == q(SOAP, "Fault")):
            how.signs = ()
        if self.has("body-unsigned"):
            how.signs = ("Timestamp",)
        if self.has("timestamp-unsigned"):
            how.signs = ("Body",)
        if self.has("no-timestamp"):
            how.timestamp, how.signs = False, ("Body",)
        if self.has("timestamp-namespace"):
            how.timestamp_space, how.signs = "urn:model", ("Body",)
        if self.has("tampered"):
            how.tamper = "234.50 "
        if self.has("wrong-key"):
            how.key, how.certificate = Stranger.once()
        if self.has("other-token"):
            how.certificate = Stranger.once()[1]
        if self.has("inclusive-c14n"):
            how.c14n = "inclusive"
        how.reformat = self.has("reformatted")
        how.body_first = self.has("body-first")
        how.repeat_id = self.has("duplicate-ids")
        how.wsu_ids = not self.has("plain-ids")
        now = datetime.datetime.utcnow()
        hour = datetime.timedelta(hours=1)
        if self.has("stale-timestamp"):
            how.created, how.expires = now - 2 * hour, now - hour
        if self.has("future-timestamp"):
            how.created, how.expires = now + hour, now + 2 * hour
        if self.has("endless-timestamp"):
            how.created, how.expires = now, now + 24 * 3650 * hour
        if self.has("day-timestamp"):
            how.created, how.expires = now, now + 24 * hour
        if self.has("hours-timestamp"):
            how.created, how.expires = now, now + 2 * hour
        if self.has("local-time"):
            text = lambda at: (at + 2 * hour).strftime("%Y-%m-%dT%H:%M:%S+02:00")
            how.created_text, how.expires_text = text(now), text(now + hour)
        data = wssecurity.sign(payload, how)
        if self.has("wrapping") and status == 200:
            data = wrap(data)
        if self.has("two-bodies") and status == 200:
            root = etree.fromstring(data)
            root.append(copy.deepcopy(root.find(q(SOAP, "Body"))))
            root[-1].attrib.clear()
            data = etree.tostring(root)
        if self.has("xml-1.1"):
            data = b'<?xml version="1.1" encoding="UTF-8"?>' + data
        if self.has("relative-namespace"):
            data = data.replace(b"<s:Envelope ", b'<s:Envelope xmlns:r="relative" ', 1)
        if self.has("dtd"):
            data = b'<!DOCTYPE Envelope [<!ENTITY a "a">]>' + data
        return data


def be_nil(member):
    member.text = None
    member.set("{http://www.w3.org/2001/XMLSchema-instance}nil", "true")


def with_comma(order):
    for name in ("AmountDue", "TotalAmountDue"):
        for amount in order.iter(q(MPAY, name)):
            amount.text = amount.text.replace(".", ",")


def add_properties(order):
    """Adds one property of each type in published samples, also of types that the guide does not list."""
    properties = order.find(q(MPAY, "Properties"))
    for number, kind in enumerate(("string", "idn", "tc", "LineDescription", "number", "CustomerName", "CustomerType")):
        item = element(properties, "OrderProperty")
        for name, text in (("DisplayName", f"Property {number}"), ("Id", str(number)), ("IsVisible", "true"),
                           ("Name", f"p{number}"), ("Required", "true"), ("Type", kind), ("Value", "1")):
            element(item, name, text)


def be_published(order):
    """Adds the further parts of MPay's published answer: flags and properties of lines, fractions of seconds,
    and a Reason that is longer than the guide allows and contains a line's end."""
    order.find(q(MPAY, "IssuedAt")).text = "2025-07-10T09:26:29.463"
    order.find(q(MPAY, "Reason")).text = "Model Beneficiary, for the rent of land that belongs to \nthe state"
    for line in order.find(q(MPAY, "Lines")):
        for name in ("AllowPartialPayments", "AllowAdvancePayments"):
            flag = etree.Element(q(MPAY, name))
            flag.text = "false"
            line.insert(0, flag)
        properties = etree.Element(q(MPAY, "Properties"))
        line.insert(list(line).index(line.find(q(MPAY, "Reason"))), properties)
        item = element(properties, "OrderProperty")
        for name, text in (("DisplayName", "Description"), ("Id", "1"), ("IsVisible", "true"), ("Name", "Description"),
                           ("Required", "true"), ("Type", "LineDescription"), ("Value", "Lease of land")):
            element(item, name, text)


def wrap(data):
    """Moves the signed Body into the Header and puts an unsigned one in its place."""
    root = etree.fromstring(data)
    body = root.find(q(SOAP, "Body"))
    forged = copy.deepcopy(body)
    forged.set(q(WSU, "Id"), "forged")
    for total in forged.iter(q(MPAY, "TotalAmountDue")):
        total.text = "1.00"
    root.replace(body, forged)
    holder = etree.SubElement(root.find(q(SOAP, "Header")), "{urn:model}Wrapper")
    holder.append(body)
    return etree.tostring(root)


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64

    def __init__(self, options, context):
        super().__init__(("127.0.0.1", 0), Handler, bind_and_activate=False)
        self.server_bind()
        self.options, self.context = options, context
        self.services = {}
        self.lock = threading.Lock()  # protects services, and calls of xmlsec

    def service(self, path):
        names = tuple(self.options.defect)
        if self.options.variants_by_path:
            names += tuple(name for name in path.strip("/").split("+") if name)
        if self.options.defects_file:
            names += tuple(content(self.options.defects_file).decode().split())
        if names not in self.services:
            self.services[names] = Service(self.options, names)
        return self.services[names]

    def finish_request(self, request, client_address):
        # The handshake runs on the connection's own thread.
        if "tls-stalls" in self.options.defect:
            while request.recv(4096):
                pass
            return
        with self.context.wrap_socket(request, server_side=True) as secured:
            super().finish_request(secured, client_address)

    def handle_error(self, request, client_address):
        if not isinstance(sys.exc_info()[1], (OSError, ssl.SSLError)):
            super().handle_error(request, client_address)


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def log_message(self, *arguments):
        pass

    def reply(self, status, data, content_type="text/xml; charset=utf-8", headers=()):
        head = [f"HTTP/1.1 {status} {self.responses[status][0]}", f"Content-Type: {content_type}",
                f"Content-Length: {len(data)}", *headers, "", ""]
        self.wfile.write("\r\n".join(head).encode() + data)

    def do_GET(self):
        self.reply(405, b"", headers=["Allow: POST"])

    def do_POST(self):
        data = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        try:
            with self.server.lock:
                service = self.server.service(self.path)
        except KeyError:
            self.reply(404, b"")
            return
        for name in ("redirect", "html", "endless", "drip", "bomb", "reset"):
            if service.has(name):
                getattr(self, "be_" + name)()
                return
        if service.has("refuses-soap-action") and "SOAPAction" in self.headers:
            self.reply(415, b"")
            return
        if not self.headers.get("Content-Type", "").startswith("text/xml") or "SOAPAction" not in self.headers:
            self.reply(415, b"")
            return
        with self.server.lock:
            status, answer = service.handle(data, self.headers["SOAPAction"])
        while self.server.options.hold and b"ConfirmOrderPayment" in data and os.path.exists(self.server.options.hold):
            time.sleep(0.02)
        content_type = "application/soap+xml" if service.has("soap-1.2-content-type") else "text/xml"
        headers = ["X-Long: " + "x" * 65536] if service.has("big-header") else []
        if status == 307:
            headers = headers + ["Location: /elsewhere"]
        charset = "ISO-8859-1" if service.has("latin-charset") else "utf-8"
        self.reply(status, answer, f"{content_type}; charset={charset}", headers)

    def be_redirect(self):
        self.reply(307, b"", headers=["Location: /elsewhere"])

    def be_html(self):
        self.reply(200, b"<!doctype html><html><body>Welcome</body></html>", "text/html")

    def head_without_length(self, *headers):
        self.close_connection = True
        head = ["HTTP/1.1 200 OK", "Content-Type: text/xml; charset=utf-8", "Connection: close", *headers, "", ""]
        self.wfile.write("\r\n".join(head).encode())

    def be_endless(self):
        self.head_without_length()
        self.wfile.write(b"<s:Envelope xmlns:s='http://schemas.xmlsoap.org/soap/envelope/'>")
        while True:
            self.wfile.write(b"<a/>" * 16384)

    def be_drip(self):
        self.head_without_length()
        while True:
            self.wfile.write(b" ")
            time.sleep(0.05)

    def be_bomb(self):
        import gzip
        self.reply(200, gzip.compress(b"<a>" + b" " * (64 << 20) + b"</a>"), headers=["Content-Encoding: gzip"])

    def be_reset(self):
        self.close_connection = True
        self.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/xml\r\nContent-Length: 1000\r\n\r\n<s:Env")
        self.wfile.flush()
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.connection.close()


def content(path):
    with open(path, "rb") as file:
        return file.read()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--list-defects", action="store_true", help="say what can be wrong, and end")
    parser.add_argument("--certificate", help="PEM file: of TLS, for localhost")
    parser.add_argument("--key", help="PEM file: its key")
    parser.add_argument("--signing-certificate", help="PEM file: the beneficiary's, that signs answers")
    parser.add_argument("--signing-key", help="PEM file: its key")
    parser.add_argument("--mpay-certificate", help="PEM file: MPay's, that requests are signed with")
    parser.add_argument("--service-id", default="MODEL-01")
    parser.add_argument("--orders", help="JSON file, in place of the built-in orders")
    parser.add_argument("--algorithm", choices=("rsa-sha1", "rsa-sha256"), default="rsa-sha1")
    parser.add_argument("--key-info", choices=("token", "subject-key-identifier", "x509"), default="token")
    parser.add_argument("--defect", action="append", default=[], metavar="NAME", help="may be given several times")
    parser.add_argument("--defects-file", metavar="FILE", help="further defects, read at each request")
    parser.add_argument("--payments", metavar="FILE", help="a line for each confirmation: order, PaymentID, amount")
    parser.add_argument("--hold", metavar="FILE", help="while it exists, confirmations are not answered")
    parser.add_argument("--variants-by-path", action="store_true")
    parser.add_argument("--client-authority", metavar="FILE",
                        help="PEM file: whose client certificates are asked for, and refused where none is shown")
    options = parser.parse_args()
    if options.list_defects:
        for name, words in DEFECTS.items():
            print(f"{name}\t{words}")
        return
    needed = ("certificate", "key", "signing_certificate", "signing_key", "mpay_certificate")
    missing = [name for name in needed if getattr(options, name) is None]
    if missing:
        parser.error("needed: " + ", ".join("--" + name.replace("_", "-") for name in missing))
    unknown = [name for name in options.defect if name not in DEFECTS and name not in VARIANTS]
    if unknown:
        parser.error("there is no defect " + ", ".join(unknown))
    options.mpay = content(options.mpay_certificate)
    options.orders = json.loads(content(options.orders)) if options.orders else ORDERS

    signing = options.signing_certificate, options.signing_key

    def read_signing(*_):
        options.signing_certificate, options.signing_key = content(signing[0]), content(signing[1])

    read_signing()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    signal.signal(signal.SIGHUP, read_signing)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    if "tls-1.1" in options.defect:
        context.set_ciphers("ALL:@SECLEVEL=0")
        context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1_1
    if "self-signed" in options.defect:
        key, certificate = Stranger.get(("localhost",))
        with tempfile.NamedTemporaryFile() as file:
            file.write(key + certificate)
            file.flush()
            context.load_cert_chain(file.name)
    else:
        context.load_cert_chain(options.certificate, options.key)
    if options.client_authority:
        context.load_verify_locations(options.client_authority)
        context.verify_mode = ssl.CERT_REQUIRED
    server = Server(options, context)
    if "does-not-listen" not in options.defect:
        server.server_activate()
    print(f"https://localhost:{server.server_address[1]}/", flush=True)
    if "does-not-listen" in options.defect:
        signal.pause()
    server.serve_forever(poll_interval=0.1)


if __name__ == "__main__":
    main()
