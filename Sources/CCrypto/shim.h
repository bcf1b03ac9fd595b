#ifndef VITRINE_CCRYPTO_H
#define VITRINE_CCRYPTO_H

#include <openssl/evp.h>
#endif
