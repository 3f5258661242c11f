#include "base/host.h"

#include <unistd.h>

namespace mpay {

std::string hostName() {
  char name[256] = "";
  if (gethostname(name, sizeof name - 1) != 0 || name[0] == '\0') return "unknown";
  return name;
}

}  // namespace mpay
