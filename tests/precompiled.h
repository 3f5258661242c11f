// Headers that most tests include and that hardly ever change; see operator/precompiled.h.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <sstream>
#include <thread>

#include "../operator/precompiled.h"
