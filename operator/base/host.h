// The host that this process runs on.
#pragma once

#include <string>

namespace mpay {

// The host's name, in a container the Pod's; "unknown" if the host has none.
std::string hostName();

}  // namespace mpay
