// JSON that arrives: many small documents one after another, and one long list in pieces.
//
// For watches and lists, whose whole text is never wanted in memory.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "json/codec.h"

namespace mpay::json {

// Parses one document after another into the same memory, so that a document of usual size costs no
// allocation. Not thread-safe.
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

// The text with null in place of each object and array that is deeper than `levels`: what is left of a document that is
// too deep to be read. Only brackets and strings are looked at.
std::string pruned(std::string_view text, std::size_t levels);

// The calling thread's own, for what is read and done with at once.
Reader& reader();

// Cuts {"kind":..., "items":[{...},{...}], ...} into its items while it arrives. Only brackets and strings are
// looked at: whether an item, or what is left, is JSON is found out by who parses it.
class ItemSplitter {
 public:
  // Takes the text of one item; an error ends the reading with it.
  using OnItem = std::function<Result<void>(std::string_view item)>;

  // Neither an item nor all that surrounds the items may be longer than `longest` bytes.
  ItemSplitter(std::size_t longest, OnItem onItem) : longest_(longest), onItem_(std::move(onItem)) {}

  // Errors: Decode, with reason ResponseTooLarge where a limit is reached; onItem's.
  Result<void> write(std::string_view bytes);

  // The document with its items left out ("items":[]). Errors: Decode, where the text has not come to its end.
  Result<std::string> finish();

 private:
  // Each reads a part of the bytes and returns how many.
  Result<std::size_t> readAround(std::string_view bytes);
  Result<std::size_t> readBetween(std::string_view bytes);
  Result<std::size_t> readItem(std::string_view bytes);

  const std::size_t longest_;
  const OnItem onItem_;

  enum class Where { Around, Between, Item } where_ = Where::Around;
  unsigned depth_ = 0;      // of brackets that are open around the items
  unsigned itemDepth_ = 0;  // and within an item
  bool inString_ = false;
  bool escaped_ = false;
  bool itemsNext_ = false;  // the value of "items" comes next
  std::string name_;        // the last string at the list's own level
  std::string around_;
  std::string item_;  // what has come of an item that is cut by the end of the bytes
};

}  // namespace mpay::json
