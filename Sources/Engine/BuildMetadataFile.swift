package import Builder
internal import ImageSpec
internal import LinuxIO

/// The file that tells other programs what a build made (`--metadata-file`), with buildx's names.
package struct BuildMetadataFile: Sendable {
    private let path: String

    package init(_ path: String) { self.path = path }

    /// - Throws: ``EngineError`` `failed`.
    package func write(_ result: BuildResult) throws {
        var descriptor = JSONObject()
        descriptor["mediaType"] = .string(MediaType.ociManifest.rawValue)
        descriptor["digest"] = .string("\(result.manifest)")
        descriptor["size"] = JSONValue(UInt64(result.manifestSizeBytes))
        if !result.descriptorAnnotations.isEmpty {
            var annotations = JSONObject()
            for (name, value) in result.descriptorAnnotations.sorted(by: { $0.key < $1.key }) {
                annotations[name] = .string(value)
            }
            descriptor["annotations"] = .object(annotations)
        }
        descriptor["platform"] = result.platform.json
        var object = JSONObject()
        object["buildx.build.ref"] = .string("default/default/\(result.build)")
        object["containerimage.config.digest"] = .string("\(result.image)")
        object["containerimage.descriptor"] = .object(descriptor)
        object["containerimage.digest"] = .string("\(result.manifest)")
        if !result.tags.isEmpty {
            object["image.name"] = .string(
                result.tags.map(\.canonical).joined(separator: ","))
        }
        do throws(Errno) {
            try HostDirectory.replaceFile(
                path, with: JSONValue.object(object).encoded(indent: 2) + [0x0A])
        } catch {
            throw EngineError(
                .failed, "could not write the build's metadata to \(path.visible): \(error)")
        }
    }
}
