// libFuzzer's entry for programs that have a main function of their own, as every executable of a
// Swift package has.
#pragma once
#include <stddef.h>
#include <stdint.h>

#pragma clang assume_nonnull begin

/// Defined by each target.
int LLVMFuzzerTestOneInput(const uint8_t *_Nullable data, size_t size);

int LLVMFuzzerRunDriver(
    int *argc, char *_Nullable *_Nonnull *_Nonnull argv,
    int (*one_input)(const uint8_t *_Nullable data, size_t size));

static inline int vitrine_fuzz(int argc, char *_Nullable *_Nonnull argv) {
    return LLVMFuzzerRunDriver(&argc, &argv, LLVMFuzzerTestOneInput);
}

#pragma clang assume_nonnull end
