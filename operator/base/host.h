// Where this process runs.
#pragma once

#include <string>

namespace mpay {

// The host's name, in a container the Pod's; "unknown" where it has none.
std::string hostName();

}  // namespace mpay
