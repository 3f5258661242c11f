#include "domain/logo.h"

#include <fmt/format.h>
#include <png.h>

#include <algorithm>
#include <cstring>
#include <vector>

#include "crypto/key_search.h"

namespace mpay::domain {
namespace {

struct Input {
  std::string_view rest;
};

// libpng reports errors by longjmp. So between setjmp and the calls into libpng there is no object with a destructor;
// the caller owns whatever is allocated.
struct Reading {
  png_structp png = nullptr;
  png_infop info = nullptr;
  ~Reading() { png_destroy_read_struct(&png, &info, nullptr); }
};

void onError(png_structp png, png_const_charp) { png_longjmp(png, 1); }
void onWarning(png_structp png, png_const_charp) { png_longjmp(png, 1); }

void onRead(png_structp png, png_bytep into, std::size_t count) {
  auto* input = static_cast<Input*>(png_get_io_ptr(png));
  if (input->rest.size() < count) png_longjmp(png, 1);
  std::memcpy(into, input->rest.data(), count);
  input->rest.remove_prefix(count);
}

bool readHeader(Reading& reading, Input& input) {
  if (setjmp(png_jmpbuf(reading.png))) return false;
  png_set_read_fn(reading.png, &input, onRead);
  // A damaged checksum is an error, also in chunks that are not needed to show the image.
  png_set_crc_action(reading.png, PNG_CRC_ERROR_QUIT, PNG_CRC_ERROR_QUIT);
  png_read_info(reading.png, reading.info);
  return true;
}

bool readImage(Reading& reading, std::vector<png_bytep>& rows) {
  if (setjmp(png_jmpbuf(reading.png))) return false;
  png_read_image(reading.png, rows.data());
  png_read_end(reading.png, nullptr);
  return true;
}

}  // namespace

bool isPng(std::string_view bytes) { return bytes.starts_with("\x89PNG\r\n\x1a\n"); }

Result<Logo> judgeLogo(std::string_view bytes) {
  if (bytes.size() > kMaximumLogoBytes) {
    return refuse("LogoTooLarge",
                  fmt::format("the logo has {} bytes, at most {} are allowed", bytes.size(), kMaximumLogoBytes));
  }
  if (crypto::holdsPrivateKey(bytes)) {
    return refuse("PrivateKeyInPublicField",
                  "a private key was given where the logo belongs; treat that key as disclosed, and give a PNG");
  }
  const auto invalid = [](std::string_view what) {
    return refuse("InvalidImage", fmt::format("the logo {}; give an intact PNG", what));
  };
  if (bytes.size() < 8 || png_sig_cmp(reinterpret_cast<png_const_bytep>(bytes.data()), 0, 8) != 0)
    return invalid("is not a PNG");
  Reading reading;
  reading.png = png_create_read_struct(PNG_LIBPNG_VER_STRING, nullptr, onError, onWarning);
  reading.info = png_create_info_struct(reading.png);
  Input input{bytes};
  png_set_user_limits(reading.png, 65536, 65536);
  if (!readHeader(reading, input)) return invalid("is damaged or cut short");
  const Logo logo{png_get_image_width(reading.png, reading.info), png_get_image_height(reading.png, reading.info)};
  if (logo.width > kMaximumLogoSide || logo.height > kMaximumLogoSide) {
    return refuse("LogoTooLarge", fmt::format("the logo is {} x {} pixels, at most {} x {} are allowed", logo.width,
                                              logo.height, kMaximumLogoSide, kMaximumLogoSide));
  }
  const std::size_t width = png_get_rowbytes(reading.png, reading.info);
  std::vector<png_byte> pixels(width * logo.height);
  std::vector<png_bytep> rows(logo.height);
  for (std::size_t i = 0; i < rows.size(); ++i) rows[i] = pixels.data() + i * width;
  if (!readImage(reading, rows)) return invalid("is damaged or cut short");
  if (!input.rest.empty()) return invalid("is followed by other bytes");
  return logo;
}

}  // namespace mpay::domain
