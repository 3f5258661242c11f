// Judges whether a logo is a PNG that MPay can show.
#pragma once

#include <string_view>

#include "base/result.h"

namespace mpay::domain {

struct Logo {
  unsigned width = 0;
  unsigned height = 0;
};

inline constexpr std::size_t kMaximumLogoBytes = 256 * 1024;
inline constexpr unsigned kMaximumLogoSide = 1024;

// True when the bytes begin as a PNG does.
bool isPng(std::string_view bytes);

// Decodes the whole image, so that every checksum is checked. Errors: Invalid with reason LogoTooLarge (bytes; or
// sides, before anything is decoded), PrivateKeyInPublicField, or InvalidImage (no PNG, damaged, cut short, or followed
// by something).
Result<Logo> judgeLogo(std::string_view bytes);

}  // namespace mpay::domain
