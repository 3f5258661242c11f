// JSON that arrives in pieces, for watches and lists: many small documents one after another, or one long list. The
// whole text is never in memory.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "json/codec.h"

namespace mpay::json {

// Parses one document after another into the same memory, so that a document of usual size costs no allocation. Not
// thread-safe.
class Reader {
 public:
  Reader() = default;
  Reader(const Reader&) = delete;
  Reader& operator=(const Reader&) = delete;

  // The value lives until the next call. Errors: as parse().
  Result<const value*> parse(std::string_view text);

 private:
  static constexpr std::size_t kUsual = 64 * 1024;
  const std::unique_ptr<unsigned char[]> first_{new unsigned char[kUsual]};
  std::optional<boost::json::monotonic_resource> memory_;
  boost::json::stream_parser parser_{boost::json::storage_ptr{}, parseOptions()};
  std::optional<value> document_;  // in memory_
};

// The text with null in place of each object and array that is deeper than `levels`, for a document that is too deep to
// be read. Only brackets and strings are looked at.
std::string pruned(std::string_view text, std::size_t levels);

// The calling thread's own Reader, for values that are used before the next parse.
Reader& reader();

// Cuts {"kind":..., "items":[{...},{...}], ...} into its items while it arrives. The splitter looks only at brackets
// and strings; the caller finds out by parsing if an item, or the document around the items, is JSON.
class ItemSplitter {
 public:
  // Takes the text of one item. An error ends the reading with that error.
  using OnItem = std::function<Result<void>(std::string_view item)>;

  // `longest` bounds each item, and all the text around the items together.
  ItemSplitter(std::size_t longest, OnItem onItem) : longest_(longest), onItem_(std::move(onItem)) {}

  // Errors: Decode with reason ResponseTooLarge if a limit is reached; the errors of onItem.
  Result<void> write(std::string_view bytes);

  // The document without its items ("items":[]). Errors: Decode if the text is incomplete.
  Result<std::string> finish();

 private:
  // Each reads the beginning of the bytes and returns how many it read.
  Result<std::size_t> readAround(std::string_view bytes);
  Result<std::size_t> readBetween(std::string_view bytes);
  Result<std::size_t> readItem(std::string_view bytes);

  const std::size_t longest_;
  const OnItem onItem_;

  enum class Where { Around, Between, Item } where_ = Where::Around;
  unsigned depth_ = 0;      // brackets that are open around the items
  unsigned itemDepth_ = 0;  // brackets that are open within an item
  bool inString_ = false;
  bool escaped_ = false;
  bool itemsNext_ = false;  // the value of "items" comes next
  std::string name_;        // the last string at the list's own level
  std::string around_;
  std::string item_;  // the beginning of an item whose end has not arrived
};

}  // namespace mpay::json
