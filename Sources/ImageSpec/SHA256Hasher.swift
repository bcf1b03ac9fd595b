internal import CCrypto

/// An incremental SHA-256 (FIPS 180-4), computed by libcrypto at the hardware's speed.
@safe package struct SHA256Hasher: ~Copyable {
    private let context: OpaquePointer

    package init() {
        guard let context = unsafe EVP_MD_CTX_new() else {
            preconditionFailure("libcrypto could not allocate a digest context")
        }
        unsafe self.context = context
        let started = unsafe EVP_DigestInit_ex(context, EVP_sha256(), nil)
        precondition(started == 1, "libcrypto offers no SHA-256")
    }

    deinit { unsafe EVP_MD_CTX_free(context) }

    package mutating func update(_ bytes: UnsafeRawBufferPointer) {
        guard bytes.count > 0 else { return }
        unsafe EVP_DigestUpdate(context, bytes.baseAddress, bytes.count)
    }

    package mutating func update(_ bytes: some Sequence<UInt8>) {
        let done: Void? = bytes.withContiguousStorageIfAvailable { storage in
            unsafe update(UnsafeRawBufferPointer(storage))
        }
        if done == nil { update(Array(bytes)) }
    }

    /// The digest of all that was given. The hasher starts anew.
    package mutating func finalize() -> Digest {
        let digest = unsafe Digest { bytes in
            var length: UInt32 = 32
            unsafe EVP_DigestFinal_ex(
                context, bytes.baseAddress?.assumingMemoryBound(to: UInt8.self), &length)
        }
        unsafe EVP_DigestInit_ex(context, EVP_sha256(), nil)
        return digest
    }
}

extension Digest {
    /// The SHA-256 of `bytes`.
    package init(of bytes: some Sequence<UInt8>) {
        var hasher = SHA256Hasher()
        hasher.update(bytes)
        self = hasher.finalize()
    }
}
