// The languages in which the project speaks to people.
#pragma once

namespace mpay {

enum class Language { ro, ru, en };

}  // namespace mpay
