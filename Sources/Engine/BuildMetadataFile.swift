package import Builder
internal import ImageSpec
internal import LinuxIO

/// The file that tells other programs what a build made (`--metadata-file`), with buildx's names.
package struct BuildMetadataFile: Sendable {
    private let path: String

    package init(_ path: String) { self.path = path }

    /// - Throws: ``EngineError`` `failed`.
    package func write(_ result: BuildResult) throws {
        let descriptor =
            result.index
            ?? Descriptor(
                mediaType: .ociManifest, digest: result.manifest,
                sizeBytes: Int64(result.manifestSizeBytes),
                annotations: result.descriptorAnnotations, platform: result.platform)
        var object = JSONObject()
        object["buildx.build.ref"] = .string("default/default/\(result.build)")
        // An index has none.
        if result.index == nil {
            object["containerimage.config.digest"] = .string("\(result.image)")
        }
        object["containerimage.descriptor"] = descriptor.json
        object["containerimage.digest"] = .string("\(descriptor.digest)")
        if !result.tags.isEmpty {
            object["image.name"] = .string(
                result.tags.map(\.canonical).joined(separator: ","))
        }
        do throws(Errno) {
            try ResultFile.write(JSONValue.object(object).encoded(indent: 2) + [0x0A], to: path)
        } catch {
            throw EngineError(
                .failed, "could not write the build's metadata to \(path.visible): \(error)")
        }
    }
}
