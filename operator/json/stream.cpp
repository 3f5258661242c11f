#include "json/stream.h"

namespace mpay::json {
namespace {

tl::unexpected<Error> tooLong(std::string_view what, std::size_t longest) {
  return fail(Error{ErrorKind::Decode, fmt::format("{} is longer than {} bytes", what, longest), "ResponseTooLarge"});
}

bool isBlank(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

// Updates the string state for one more character.
void step(char c, bool& inString, bool& escaped) {
  if (escaped) {
    escaped = false;
  } else if (c == '"') {
    inString = !inString;
  } else {
    escaped = inString && c == '\\';
  }
}

}  // namespace

Result<const value*> Reader::parse(std::string_view text) {
  document_.reset();
  parser_.reset();
  // The memory is made anew. release() would keep the size of its next block, which doubles with each document of more
  // than usual size until no memory is that large.
  memory_.emplace(first_.get(), kUsual);
  parser_.reset(&*memory_);
  document_.emplace(TRY(json::parse(text, parser_)));
  return &*document_;
}

std::string pruned(std::string_view text, std::size_t levels) {
  std::string kept;
  std::size_t depth = 0;
  bool inString = false, escaped = false;
  for (const char c : text) {
    const bool opens = !inString && (c == '{' || c == '['), closes = !inString && (c == '}' || c == ']');
    if (opens && ++depth == levels + 1) kept += "null";
    if (depth <= levels) kept += c;
    if (closes && depth > 0) --depth;
    step(c, inString, escaped);
  }
  return kept;
}

Reader& reader() {
  thread_local Reader reader;
  return reader;
}

Result<void> ItemSplitter::write(std::string_view bytes) {
  while (!bytes.empty()) {
    const std::size_t read = TRY(where_ == Where::Around    ? readAround(bytes)
                                 : where_ == Where::Between ? readBetween(bytes)
                                                            : readItem(bytes));
    bytes.remove_prefix(read);
  }
  return {};
}

Result<std::string> ItemSplitter::finish() {
  if (where_ != Where::Around || depth_ != 0 || around_.empty()) {
    return fail(ErrorKind::Decode, "the answer ends before the list does");
  }
  return std::move(around_);
}

Result<std::size_t> ItemSplitter::readAround(std::string_view bytes) {
  std::size_t read = 0;
  while (read < bytes.size() && where_ == Where::Around) {
    const char c = bytes[read++];
    const bool within = inString_;
    step(c, inString_, escaped_);
    if (within) {
      if (inString_ && depth_ == 1) name_ += c;
    } else if (c == '"') {
      if (depth_ == 1) name_.clear();
    } else if (c == '{' || c == '[') {
      if (itemsNext_ && c == '[') {
        where_ = Where::Between;
      } else {
        ++depth_;
      }
    } else if (c == '}' || c == ']') {
      if (depth_ == 0) return fail(ErrorKind::Decode, "the answer is no list");
      --depth_;
    }
    if (!inString_ && !isBlank(c)) itemsNext_ = c == ':' && depth_ == 1 && name_ == "items";
  }
  if (around_.size() + read > longest_) return tooLong("what surrounds the list's items", longest_);
  around_.append(bytes.substr(0, read));
  return read;
}

Result<std::size_t> ItemSplitter::readBetween(std::string_view bytes) {
  std::size_t read = 0;
  while (read < bytes.size() && (isBlank(bytes[read]) || bytes[read] == ',')) ++read;
  if (read == bytes.size()) return read;
  if (bytes[read] == ']') {
    around_ += ']';
    where_ = Where::Around;
    return read + 1;
  }
  if (bytes[read] != '{') return fail(ErrorKind::Decode, "an item of the list is no object");
  where_ = Where::Item;
  itemDepth_ = 0;
  return read;
}

Result<std::size_t> ItemSplitter::readItem(std::string_view bytes) {
  std::size_t read = 0;
  bool whole = false;
  while (read < bytes.size() && !whole) {
    // Strings make up most of an item. find_first_of would call a function for each byte, so this loop looks for their
    // ends itself.
    while (inString_ && read < bytes.size()) step(bytes[read++], inString_, escaped_);
    if (read == bytes.size()) break;
    switch (bytes[read++]) {
      case '"': inString_ = true; break;
      case '{':
      case '[': ++itemDepth_; break;
      case '}':
      case ']': whole = --itemDepth_ == 0; break;
      default: break;
    }
  }
  if (item_.size() + read > longest_) return tooLong("an item of the list", longest_);
  if (whole && item_.empty()) {
    TRY(onItem_(bytes.substr(0, read)));
  } else {
    item_.append(bytes.substr(0, read));
    if (whole) {
      TRY(onItem_(item_));
      item_.clear();
    }
  }
  if (whole) where_ = Where::Between;
  return read;
}

}  // namespace mpay::json
