internal import ArgumentParser
internal import Builder
internal import Engine
internal import ImageSpec
internal import Layers

/// Where a build's result goes.
struct BuildOutputOptions: ParsableArguments {
    @Option(
        name: .shortAndLong,
        help: ArgumentHelp(
            "Where the result goes instead of the store; may be given several times: a directory, "
                + "- for a tar, or type=docker|oci|tar|local|image,dest=PATH,name=NAME.",
            valueName: "output"))
    var output: [String] = []
    @Option(
        name: .customLong("metadata-file"),
        help: ArgumentHelp("Write digests and names as JSON to a file.", valueName: "file"),
        completion: .file())
    var metadataFile: String?
    @Option(
        help: ArgumentHelp(
            "Annotate the image's manifest, or with manifest-descriptor: its entry in an index; for "
                + "several platforms with index: or index-descriptor: their index.",
            valueName: "[manifest[platform]:]name=value"))
    var annotation: [String] = []
    @Flag(help: "Keep the image in the store too, beside other outputs.") var load = false
    @Flag(help: "Not possible yet: there are no registries.") var push = false
    @Option(help: ArgumentHelp("Accepted if false: none is made.", visibility: .hidden))
    var provenance: String?
    @Option(help: ArgumentHelp("Accepted if false: none is made.", visibility: .hidden))
    var sbom: String?
    @Option(help: ArgumentHelp("Refused: none is made.", visibility: .hidden))
    var attest: [String] = []
    // What Docker's and Podman's users write, and what is so anyway.
    @Flag(help: .hidden) var rm = false
    @Flag(name: .customLong("force-rm"), help: .hidden) var forceRemove = false
    @Flag(help: .hidden) var layers = false
    @Flag(help: .hidden) var compress = false
    @Flag(help: .hidden) var squash = false
    @Flag(name: .customLong("squash-all"), help: .hidden) var squashAll = false
    @Option(help: .hidden) var isolation: String?
    @Option(help: .hidden) var builder: String?
    @Option(help: .hidden) var format: String?

    func validate() throws {
        if push { throw ValidationError("--push: \(OutputSpecification.noRegistry)") }
        if squash || squashAll {
            throw ValidationError(
                "--squash is not supported: \"vitrine save --format rootfs IMAGE | vitrine import -\" "
                    + "makes one layer of an image")
        }
        for (name, value) in [("provenance", provenance), ("sbom", sbom)] {
            guard let value, !["false", "0"].contains(value.lowercased()) else { continue }
            throw ValidationError(
                "--\(name)=\(value): attestations are not made; use --\(name)=false")
        }
        if !attest.isEmpty {
            throw ValidationError("--attest: attestations are not made")
        }
        if let isolation, !["default", "oci", "chroot"].contains(isolation) {
            throw ValidationError("--isolation=\(isolation): steps run in an OCI runtime")
        }
        if let format, !["oci", "docker"].contains(format) {
            throw ValidationError("--format=\(format): an image is an OCI image")
        }
        let specifications: [OutputSpecification]
        do {
            specifications = try output.map { try OutputSpecification($0) }
        } catch {
            throw ValidationError("\(error)")
        }
        if specifications.count(where: \.usesStandardOutput) > 1 {
            throw ValidationError("only one output can go to standard output")
        }
        if specifications.contains(where: \.usesStandardOutput), Terminal.outputIsTerminal {
            throw ValidationError("an archive is not for a terminal; use dest=FILE or a pipe")
        }
        do {
            for text in annotation { _ = try ImageAnnotation.parse(option: text) }
        } catch {
            throw ValidationError("\(error)")
        }
    }

    /// Whether standard output is an archive's.
    var usesStandardOutput: Bool {
        // What is no output was refused before.
        output.contains { (try? OutputSpecification($0))?.usesStandardOutput == true }
    }

    func apply(to options: inout BuildOptions) throws {
        options.annotations = try annotation.flatMap { try ImageAnnotation.parse(option: $0) }
        guard !output.isEmpty else { return }
        options.keepsImage = load
        for text in output {
            guard case .output(let output) = try OutputSpecification(text) else { continue }
            if case .image = output.kind {
                options.keepsImage = true
                options.annotations += output.annotations
                options.tags += output.names.filter { !options.tags.contains($0) }
            } else {
                options.outputs.append(output)
            }
        }
    }

    /// What several platforms can be written to, and what one has not. To be asked when all options are
    /// applied.
    static func check(_ options: BuildOptions) throws {
        if options.platforms.isEmpty {
            let annotations = options.annotations + options.outputs.flatMap(\.annotations)
            guard let annotation = annotations.first(where: \.subject.isOfIndex) else { return }
            throw ValidationError(
                "the annotation \(annotation.subject.rawValue):\(annotation.name): an image of one "
                    + "platform has no index to annotate")
        }
        let names = options.platforms.map(\.description).joined(separator: ",")
        if options.keepsImage {
            throw ValidationError(
                "--platform \(names): the store keeps an image of one platform under a name; write "
                    + "the index with --output type=oci,dest=FILE, or build once for each platform "
                    + "with a tag of its own")
        }
        for output in options.outputs {
            if case .archive(.docker, _) = output.kind {
                throw ValidationError(
                    "--platform \(names): the docker exporter does not support exporting manifest "
                        + "lists; write the index with --output type=oci,dest=FILE")
            }
            if output.takesFilesOnly, output.splitsPlatforms == false {
                throw ValidationError(
                    "--platform \(names): without platform-split the files of one platform would "
                        + "take the place of the other's; leave it out")
            }
        }
        if options.targetStep != nil {
            throw ValidationError("--target-step goes with one platform, not with \(names)")
        }
    }
}
