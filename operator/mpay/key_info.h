// Reads KeyInfo, which names the key that signed. For this folder only.
#pragma once

#include "mpay/security.h"
#include "mpay/signature.h"

namespace mpay::soap {

// Removes blanks, tabs and line ends, so that base64 and numbers can be compared.
std::string withoutBlanks(std::string text);

// Sets keyInfo, keyInfoProblem, embedded and keyInfoNamesRegistered, and notes a token whose id is no wsu:Id. KeyName
// and KeyValue may stand beside the one form that counts.
void readKeyInfo(const Parts& parts, const Element& security, const Ids& ids, const crypto::Certificate& registered,
                 Verification& found);

}  // namespace mpay::soap
