#include "mpay/soap.h"

#include <algorithm>

#include "base/text.h"

namespace mpay::soap {

std::string soapAction(std::string_view operation) {
  if (operation.empty()) return "\"\"";
  return "\"" + std::string(ns::kMPay) + "/IServiceProvider/" + std::string(operation) + "\"";
}

std::string_view toString(Envelope::Problem problem) {
  using enum Envelope::Problem;
  switch (problem) {
    case HeaderAfterBody: return "the Header stands after the Body";
    case SeveralHeaders: return "there is more than one Header";
    case SeveralBodies: return "there is more than one Body";
    case NoBody: return "there is no Body";
    case SeveralBodyChildren: return "the Body has more than one child";
    case ForeignChild: return "the Envelope has a child that is neither Header nor Body";
  }
  return "";
}

Result<Envelope> Envelope::parse(std::string_view bytes) {
  Envelope envelope(TRY(Document::parse(bytes)));
  const auto root = envelope.document_.root();
  if (!root.is(ns::kSoap, "Envelope")) {
    const auto name = root.name();
    return refuse("NotSoap", name.local == "Envelope" ? "the Envelope is not of SOAP 1.1's namespace"
                                                      : "the answer is not a SOAP envelope");
  }
  const auto note = [&](Problem problem) {
    if (!envelope.has(problem)) envelope.problems_.push_back(problem);
  };
  for (const auto& child : root.children()) {
    if (child.is(ns::kSoap, "Header")) {
      if (!envelope.bodies_.empty()) note(Problem::HeaderAfterBody);
      if (envelope.header_) note(Problem::SeveralHeaders);
      if (!envelope.header_) envelope.header_ = child;
    } else if (child.is(ns::kSoap, "Body")) {
      if (!envelope.bodies_.empty()) note(Problem::SeveralBodies);
      envelope.bodies_.push_back(child);
    } else {
      note(Problem::ForeignChild);
    }
  }
  if (envelope.bodies_.empty()) note(Problem::NoBody);
  if (const auto body = envelope.body(); body && body->children().size() > 1) note(Problem::SeveralBodyChildren);
  return envelope;
}

bool isForRecipient(const Element& header) {
  const auto actor = header.attribute(ns::kSoap, "actor").value_or("");
  return actor.empty() || actor == "http://schemas.xmlsoap.org/soap/actor/next";
}

std::vector<Element> Envelope::securities() const {
  auto found = header_ ? header_->children(ns::kWsse, "Security") : std::vector<Element>{};
  std::erase_if(found, [](const auto& header) { return !isForRecipient(header); });
  return found;
}

std::vector<Element> Envelope::notUnderstood() const {
  auto found = header_ ? header_->children() : std::vector<Element>{};
  std::erase_if(found, [](const auto& header) {
    const auto must = std::string(trimmed(header.attribute(ns::kSoap, "mustUnderstand").value_or("")));
    return header.is(ns::kWsse, "Security") || !isForRecipient(header) || (must != "1" && must != "true");
  });
  return found;
}

bool Envelope::has(Problem problem) const {
  return std::find(problems_.begin(), problems_.end(), problem) != problems_.end();
}

std::optional<Element> Envelope::body() const {
  if (bodies_.size() != 1) return std::nullopt;
  return bodies_.front();
}

std::optional<Element> Envelope::payload() const {
  const auto parent = body();
  if (!parent) return std::nullopt;
  const auto children = parent->children();
  if (children.size() != 1) return std::nullopt;
  return children.front();
}

std::optional<Fault> Envelope::fault() const {
  const auto element = payload();
  if (!element || !element->is(ns::kSoap, "Fault")) return std::nullopt;
  // Members of a SOAP 1.1 fault have no namespace. Members in SOAP's namespace are reported, and read for the
  // diagnosis.
  Fault fault;
  for (const auto& child : element->children()) {
    if (child.local().starts_with("fault") && !child.name().space.empty()) fault.isQualified = true;
  }
  const std::string_view space = fault.isQualified ? ns::kSoap : "";
  if (const auto code = element->child(space, "faultcode")) fault.code = code->resolve(code->text());
  if (const auto text = element->child(space, "faultstring")) fault.text = text->text();
  if (const auto actor = element->child(space, "faultactor")) fault.actor = actor->text();
  fault.detail = element->child("", "detail");
  return fault;
}

}  // namespace mpay::soap
