package import ImageSpec

/// What a user's words for an image led to.
package enum ImageSearch: Sendable {
    case found(ImageRecord)
    /// The images whose IDs all begin with the digits.
    case ambiguous([ImageRecord])
    case absent
}

extension Store {
    /// Looks for an image by what it may be: an ID, a name, the digest of a manifest, the first
    /// digits of an ID, in this order.
    package func find(_ selector: ImageSelector) throws(StoreError) -> ImageSearch {
        if let id = selector.imageID, let image = try image(id) { return .found(image) }
        if let reference = selector.reference {
            if let image = try image(named: reference) { return .found(image) }
            if let digest = reference.digest,
                let image = try images().first(where: { $0.manifestDigest == digest })
            {
                return .found(image)
            }
        }
        guard let prefix = selector.idPrefix else { return .absent }
        let found = try images(idPrefix: prefix)
        switch found.count {
        case 0: return .absent
        case 1: return .found(found[0])
        default: return .ambiguous(found)
        }
    }
}
