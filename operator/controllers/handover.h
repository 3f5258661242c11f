// What the platform assigned to others leaves whoever held it: what is published of it first, then the claim.
#pragma once

#include "controllers/caches.h"
#include "controllers/claims.h"

namespace mpay::controllers {

// Takes it out of the fragment of this integration, in every environment, and then out of its claim; with the ServiceID
// the whole fragment and the service document go. Whatever else is true of the integration, also where it exists no
// more and production is yet to follow. Only for whoever reconciles that key: nobody else writes its fragments.
Result<void> handOver(Caches& caches, Claims& claims, const ObjectKey& key, const std::stop_token& stop);

}  // namespace mpay::controllers
