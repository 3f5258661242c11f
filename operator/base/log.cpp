#include "base/log.h"

#include <spdlog/sinks/stdout_sinks.h>

namespace mpay {

void setUpLog(std::string_view level) {
  spdlog::set_default_logger(spdlog::stderr_logger_mt("mpay"));
  spdlog::set_pattern("%Y-%m-%dT%H:%M:%S.%eZ %l %v", spdlog::pattern_time_type::utc);
  spdlog::set_level(spdlog::level::from_str(std::string(level)));
  spdlog::flush_on(spdlog::level::info);
}

std::string_view version() { return MPAY_VERSION; }

}  // namespace mpay
