"""A control plane with the operator's kinds, roles and policies, two environments, and N complete forms.

Forms and environments are the examples of docs/examples, changed where N of them must differ.
"""

import collections
import concurrent.futures
import datetime
import http.client
import json
import pathlib
import re
import ssl
import threading
import time

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

import measure
from measure import Wrong, wait_for

ROOT = pathlib.Path(__file__).resolve().parents[2]
OPERATOR = "system:serviceaccount:mpay-system:mpay-operator"
BENEFICIARY = "beneficiary@agentia.example"
REPRESENTATIVE = "representative@mpay.example"
FORMS = "/apis/mpay.gov.md/v1alpha1/mpayintegrations"
CONNECTIONS = 16
SERVICES_OF_A_BENEFICIARY = 50
# The smallest PNG. A beneficiary's forms share one ConfigMap with it.
LOGO = ("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==")


def in_parallel(work, items):
    """Calls work(item) for each item on as many threads as there are connections. The first exception is raised."""
    with concurrent.futures.ThreadPoolExecutor(CONNECTIONS) as pool:
        tasks = [pool.submit(work, item) for item in items]
        try:
            for task in concurrent.futures.as_completed(tasks):
                task.result()
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise


class Client:
    """One user's requests, over one connection for each thread."""

    def __init__(self, plane, user):
        base = plane.cluster / re.sub("[/: ]", "_", user)
        server = re.search(r'server: "https://([0-9.]+):(\d+)"', pathlib.Path(f"{base}.kubeconfig").read_text())
        self.host, self.port = server[1], int(server[2])
        self.context = ssl.create_default_context(cafile=plane.cluster / "ca.pem")
        self.context.load_cert_chain(f"{base}.pem", f"{base}.key")
        self.of_thread = threading.local()

    def connect(self):
        return http.client.HTTPSConnection(self.host, self.port, timeout=120, context=self.context)

    def call(self, method, path, body=None, content_type="application/json"):
        """The answer's JSON. Raises Wrong for a refusal."""
        now = time.monotonic()
        # The server closes idle connections.
        if now - getattr(self.of_thread, "used", 0) > 30:
            self.of_thread.connection = self.connect()
        self.of_thread.used = now
        connection = self.of_thread.connection
        connection.request(method, path, None if body is None else json.dumps(body).encode(),
                           {"Content-Type": content_type, "User-Agent": "operator-bench/1"})
        answer = connection.getresponse()
        text = answer.read()
        if answer.status >= 300:
            raise Wrong(f"{method} {path}: {answer.status} {text.decode()[:500]}")
        return json.loads(text)

    def list(self, path):
        following = ""
        while True:
            page = self.call("GET", f"{path}?limit=500&continue={following}")
            yield from page["items"]
            following = page["metadata"].get("continue", "")
            if not following:
                return


class Authority:
    """Issues certificates of P-256 keys as STISC does."""

    def __init__(self):
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.name = self.named("Model Root CA")
        self.pem = self.sign(self.name, self.key, [
            (x509.BasicConstraints(ca=True, path_length=None), True), (self.usage(key_cert_sign=True, crl_sign=True), True)])

    @staticmethod
    def named(common):
        return x509.Name([x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Agenția Model"),
                          x509.NameAttribute(NameOID.COMMON_NAME, common)])

    @staticmethod
    def usage(**used):
        names = ("digital_signature", "content_commitment", "key_encipherment", "data_encipherment", "key_agreement",
                 "key_cert_sign", "crl_sign", "encipher_only", "decipher_only")
        return x509.KeyUsage(**{name: used.get(name, False) for name in names})

    def sign(self, subject, key, extensions):
        now = datetime.datetime.utcnow()
        builder = x509.CertificateBuilder(self.name, subject, key.public_key(), x509.random_serial_number(),
                                          now - datetime.timedelta(hours=1), now + datetime.timedelta(days=365))
        for extension, critical in extensions:
            builder = builder.add_extension(extension, critical)
        return builder.sign(self.key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM).decode()

    def issue(self, common):
        return self.sign(self.named(common), ec.generate_private_key(ec.SECP256R1()), [
            (x509.BasicConstraints(ca=False, path_length=None), True),
            (self.usage(digital_signature=True), True),
            (x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH]), False)])


def idno(number):
    """The thirteen digits of beneficiary `number`, the last one being their checksum."""
    digits = f"100660{number:06}"
    return digits + str(sum(int(digit) * (7, 3, 1)[at % 3] for at, digit in enumerate(digits)) % 10)


def address(base, number):
    """An IPv4 address in the public range base.0.0.0/8."""
    return f"{base}.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}"


def condition(item, kind):
    return next((c for c in item.get("status", {}).get("conditions", []) if c["type"] == kind), {})


class World(measure.Plane):
    """`variant` is ref (certificates in ConfigMaps) or inline (in the forms)."""

    def __init__(self, programs, count, variant):
        self.programs, self.count, self.variant = programs, count, variant
        authority = Authority()
        self.certificates = [authority.issue(f"SIA {number}") for number in range(count)]
        super().__init__(programs, BENEFICIARY, REPRESENTATIVE)
        try:
            self.admin = Client(self, "test:administrator")
            self.people = {user: Client(self, user) for user in (BENEFICIARY, REPRESENTATIVE)}
            self.install(authority)
            self.create_environments()
            self.template = json.dumps(self.example("public-beneficiary.yaml")[0])
            self.users = [authority.issue("Utilizator") for _ in range(self.beneficiaries())]
            in_parallel(self.create_beneficiary, range(self.beneficiaries()))
        except BaseException:
            self.__exit__()
            raise

    def beneficiaries(self):
        return (self.count + SERVICES_OF_A_BENEFICIARY - 1) // SERVICES_OF_A_BENEFICIARY

    def install(self, authority):
        self.kubectl("apply", "--server-side", "-f", ROOT / "crds")
        self.kubectl("apply", "-f", ROOT / "manifests/namespace.yaml", "-f", ROOT / "manifests/rbac.yaml",
                     "-f", ROOT / "manifests/output-namespaces.yaml")
        self.kubectl("wait", "--for=condition=Established", "--timeout=30s",
                     *(f"crd/mpay{kind}.mpay.gov.md" for kind in ("integrations", "environments", "validations", "testrequests")))
        self.kubectl("apply", "-f", ROOT / "manifests/policies.yaml")
        self.policies_applied = time.monotonic()
        self.create("/api/v1/namespaces/mpay-system/configmaps", "v1", "ConfigMap", "stisc-authorities",
                    data={"ca.pem": authority.pem})
        self.create("/apis/rbac.authorization.k8s.io/v1/clusterrolebindings", "rbac.authorization.k8s.io/v1",
                    "ClusterRoleBinding", "mpay-representative",
                    **self.binding("ClusterRole", "mpay-representative", "User", REPRESENTATIVE))
        token = self.kubectl("create", "token", "mpay-operator", "-n", "mpay-system", "--duration=48h")
        (self.cluster / "operator.token").write_text(token, encoding="utf-8")
        self.kubeconfig = self.cluster / "operator.kubeconfig"
        self.kubeconfig.write_text(json.dumps({
            "apiVersion": "v1", "kind": "Config", "current-context": "bench",
            "clusters": [{"name": "bench", "cluster": {"server": f"https://{self.admin.host}:{self.admin.port}",
                                                       "certificate-authority": "ca.pem"}}],
            "contexts": [{"name": "bench", "context": {"cluster": "bench", "user": "bench"}}],
            "users": [{"name": "bench", "user": {"tokenFile": "operator.token"}}]}), encoding="utf-8")

    @staticmethod
    def binding(kind, role, subject, name, **where):
        # Users have an API group, service accounts have a namespace.
        group = {"apiGroup": "rbac.authorization.k8s.io"} if subject == "User" else {}
        return {"roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": kind, "name": role},
                "subjects": [{"kind": subject, "name": name, **group, **where}]}

    def create(self, path, version, kind, name, labels=None, **content):
        return self.admin.call("POST", path, {"apiVersion": version, "kind": kind,
                                              "metadata": {"name": name, "labels": labels or {}}, **content})

    def example(self, name):
        """The objects of a file of docs/examples."""
        text = self.kubectl("create", "--dry-run=client", "-o", "json", "-f", ROOT / "docs/examples" / name)
        objects, decoder = [], json.JSONDecoder()
        while text.strip():
            text = text.lstrip()
            one, end = decoder.raw_decode(text)
            objects += one["items"] if one["kind"] == "List" else [one]
            text = text[end:]
        return objects

    def create_environments(self):
        for environment in self.example("environments.yaml"):
            spec = environment["spec"]
            spec["allowlist"]["targets"] = [target for target in spec["allowlist"]["targets"] if "configMap" in target]
            spec["trust"]["revocation"] = {"mode": "None"}
            spec["validation"]["signature"] = "Optional"
            spec["withdrawal"] = {"delay": "0s"}
            for unused in ("tester", "notifications"):
                spec.pop(unused, None)
            spec["addresses"].pop("permitted", None)
            self.admin.call("POST", "/apis/mpay.gov.md/v1alpha1/mpayenvironments", environment)

    def namespace(self, number):
        return f"beneficiary-{number // SERVICES_OF_A_BENEFICIARY:04}"

    @staticmethod
    def name(number):
        return f"service-{number:05}"

    def path(self, number, kind="mpayintegrations", group="/apis/mpay.gov.md/v1alpha1"):
        return f"{group}/namespaces/{self.namespace(number)}/{kind}"

    def create_beneficiary(self, number):
        """The namespace, its people's and the operator's rights there, and the objects that its forms refer to."""
        first = number * SERVICES_OF_A_BENEFICIARY
        services = range(first, min(first + SERVICES_OF_A_BENEFICIARY, self.count))
        self.create("/api/v1/namespaces", "v1", "Namespace", self.namespace(first),
                    {"mpay.gov.md/tenant": "true", "mpay.gov.md/idno": idno(number)})
        rbac = "/apis/rbac.authorization.k8s.io/v1"
        readable = ["logo"]
        if self.variant == "ref":
            readable += [f"{self.name(service)}-certificate" for service in services]
        self.create(self.path(first, "roles", rbac), "rbac.authorization.k8s.io/v1", "Role", "mpay-operator", rules=[
            {"apiGroups": [""], "resources": ["configmaps"], "resourceNames": readable, "verbs": ["get", "list", "watch"]}])
        self.create(self.path(first, "rolebindings", rbac), "rbac.authorization.k8s.io/v1", "RoleBinding", "mpay-operator",
                    **self.binding("Role", "mpay-operator", "ServiceAccount", "mpay-operator", namespace="mpay-system"))
        self.create(self.path(first, "rolebindings", rbac), "rbac.authorization.k8s.io/v1", "RoleBinding", "beneficiary",
                    **self.binding("ClusterRole", "mpay-beneficiary", "User", BENEFICIARY))
        configmaps = self.path(first, "configmaps", "/api/v1")
        self.create(configmaps, "v1", "ConfigMap", "logo", binaryData={"logo.png": LOGO})
        for service in services if self.variant == "ref" else ():
            self.create(configmaps, "v1", "ConfigMap", f"{self.name(service)}-certificate",
                        data={"certificate.cer": self.certificates[service]})

    def form(self, number):
        """Each form has sixteen public addresses of its own, and uses some of them."""
        form = json.loads(self.template)
        form["metadata"] = {"namespace": self.namespace(number), "name": self.name(number)}
        spec = form["spec"]
        spec["beneficiary"]["idno"] = idno(number // SERVICES_OF_A_BENEFICIARY)
        spec["service"]["id"] = f"BENCH-{number:05}"
        spec["service"]["logo"] = {"configMapRef": {"name": "logo", "key": "logo.png"}}
        spec["endpoints"]["testing"]["addresses"] = [address(45, 16 * number + 1), f"{address(45, 16 * number + 8)}/29"]
        spec["endpoints"]["production"]["addresses"] = [address(45, 16 * number + 3)]
        spec["certificate"] = {"inline": self.certificates[number]} if self.variant == "inline" else {
            "configMapRef": {"name": f"{self.name(number)}-certificate", "key": "certificate.cer"}}
        spec["backOfficeUsers"][0]["signatureCertificate"] = {"inline": self.users[number // SERVICES_OF_A_BENEFICIARY]}
        return form

    def create_forms(self):
        in_parallel(lambda number: self.admin.call("POST", self.path(number), self.form(number)), range(self.count))

    def await_policies(self):
        """No record counts that is made sooner, because some API server might not enforce the policies yet."""
        wait_for("the admission policies have been in force for ten seconds",
                 lambda: time.monotonic() - self.policies_applied > 12)

    def record_all(self):
        """The representative's record of functional testing, then both people's final validation."""
        wanted = ((REPRESENTATIVE, "testing", "FunctionalTesting", "MPayRepresentative", "testingDigest"),
                  (BENEFICIARY, "production", "FinalValidation", "Beneficiary", "digest"),
                  (REPRESENTATIVE, "production", "FinalValidation", "MPayRepresentative", "digest"))

        def record(form):
            namespace, name, uid, digests = form
            for user, environment, milestone, role, digest in wanted:
                self.people[user].call("POST", f"/apis/mpay.gov.md/v1alpha1/namespaces/{namespace}/mpayvalidations", {
                    "apiVersion": "mpay.gov.md/v1alpha1", "kind": "MPayValidation", "metadata": {"generateName": f"{name}-"},
                    "spec": {"integration": {"name": name, "uid": uid}, "environment": environment,
                             "milestone": milestone, "role": role, "decision": "Accepted",
                             "digest": digests[digest], "recordedBy": user}})

        forms = [(item["metadata"]["namespace"], item["metadata"]["name"], item["metadata"]["uid"],
                  {name: item["status"][name] for name in ("testingDigest", "digest")}) for item in self.admin.list(FORMS)]
        in_parallel(record, forms)

    def change_address(self, number, changed):
        self.admin.call("PATCH", f"{self.path(number)}/{self.name(number)}",
                        {"spec": {"endpoints": {"testing": {"addresses": [changed]}}}}, "application/merge-patch+json")

    def delete(self, numbers):
        in_parallel(lambda number: self.admin.call("DELETE", f"{self.path(number)}/{self.name(number)}"), numbers)

    def states(self):
        """The number of forms by state: Production, Testing, or the first condition that does not hold."""
        found = collections.Counter()
        for item in self.admin.list(FORMS):
            if condition(item, "Ready").get("reason") == "Production" and condition(item, "Ready").get("status") == "True":
                state = "Production"
            elif condition(item, "TestEnvironmentReady").get("status") == "True":
                state = "Testing"
            else:
                failed = [c for c in item.get("status", {}).get("conditions", []) if c["status"] != "True"]
                state = f"{failed[0]['type']} {failed[0]['reason']}" if failed else "none"
            found[state] += 1
        return found


class GatewayWatch:
    """Notes when an address comes into the gateway's object of an environment."""

    def __init__(self, world, environment):
        self.condition = threading.Condition()
        self.wanted, self.seen = None, None
        path = f"/api/v1/namespaces/mpay-{environment}/configmaps"
        version = world.admin.call("GET", f"{path}?limit=1")["metadata"]["resourceVersion"]
        self.connection = world.admin.connect()
        self.connection.timeout = None
        self.connection.request("GET", f"{path}?watch=1&resourceVersion={version}", headers={"User-Agent": "operator-bench/1"})
        self.answer = self.connection.getresponse()
        self.thread = threading.Thread(target=self.read, daemon=True)
        self.thread.start()

    def read(self):
        for line in self.answer:
            now = time.monotonic()
            wanted = self.wanted
            if wanted and wanted in line and json.loads(line)["object"]["metadata"]["name"].startswith("mpay-allowlist"):
                with self.condition:
                    self.seen = now
                    self.wanted = None
                    self.condition.notify_all()

    def measure(self, changed, change):
        """The seconds from the moment before change() until the address is seen."""
        with self.condition:
            self.wanted, self.seen = changed.encode(), None
            began = time.monotonic()
            change()
            if not self.condition.wait_for(lambda: self.seen, 120):
                raise Wrong(f"{changed} did not come into the gateway's object in 120 s")
            return self.seen - began
