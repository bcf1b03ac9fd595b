internal import ArgumentParser
internal import Engine
internal import Foundation
internal import Glibc
internal import ImageSpec
internal import Layers

struct LoadCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "load", abstract: "Bring in images from an archive or an OCI layout.",
        discussion: """
            Reads what "docker save", "podman save", "buildah push" and "skopeo copy" write: \
            docker-archive, oci-archive, OCI layout directories; also gzip, zstd, xz or bzip2 \
            compressed. From standard input unless --input names a file or a directory.

              docker save debian:bookworm | vitrine load
              vitrine load -i images.tar.zst
            """)
    @OptionGroup var store: StoreOptions
    // An array, so that a second one is not taken instead of the first.
    @Option(
        name: .shortAndLong, parsing: .singleValue,
        help: "An archive, or an OCI layout's directory.", completion: .file())
    var input: [String] = []
    @Flag(name: .shortAndLong, help: "Show no progress.") var quiet = false
    @Option(help: "Which one of a multi-platform image, as os/arch[/variant].")
    var platform: String?
    @Argument(help: "The same as --input.", completion: .file()) var path: String?

    func validate() throws {
        if input.count + (path == nil ? 0 : 1) > 1 {
            throw ValidationError("name one input; load one archive after the other")
        }
        try refuseTerminal(input.first ?? path)
    }

    func run() throws {
        let source = archiveInput(input.first ?? path)
        let meter = quiet ? nil : ArchiveMeter("loading")
        let images: [LoadedImage]
        do {
            images = try store.engine().load(
                source, platform: platform, progress: { meter?.show($0) })
            meter?.finish()
        } catch {
            meter?.finish()
            throw error
        }
        for image in images {
            for warning in image.warnings { Terminal.note("\(warning)") }
            for name in image.names {
                Terminal.write("Loaded image: \(name.familiarName)\n")
            }
            for tag in image.tags {
                Terminal.write("Loaded image ID: \(image.id) (tag \"\(tag)\")\n")
            }
            if image.names.isEmpty, image.tags.isEmpty {
                Terminal.write("Loaded image ID: \(image.id)\n")
            }
        }
    }
}

struct ImportCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "import", abstract: "Make an image of a root file system.",
        discussion: """
            A tar (plain, gzip, zstd, xz, bzip2) by path or address (http://, https://), standard \
            input ("-"), or a directory of the host.

              vitrine import rootfs.tar.zst debian:bookworm
              vitrine import https://example.com/rootfs.tar.xz base
              vitrine import /srv/rootfs base
              tar -C rootfs -c . | vitrine import - base
              vitrine import -c 'CMD ["bash"]' -c 'ENV LANG=C.UTF-8' rootfs.tar base
            """)
    @OptionGroup var store: StoreOptions
    @OptionGroup var config: ConfigChangeOptions
    @Option(name: .shortAndLong, help: "The comment in the image's history.") var message: String?
    @Option(help: "The image's platform, as os/arch[/variant].") var platform: String?
    @Argument(help: "A tar, an address, a directory, or -.", completion: .file()) var source: String
    @Argument(help: "The image's name.") var name: String?

    func validate() throws { try refuseTerminal(source == "-" ? nil : source) }

    func run() throws {
        let meter = ArchiveMeter("importing")
        let image: LoadedImage
        do {
            image = try store.engine().importRootFileSystem(
                try rootFileSystem(), name: name, message: message, platform: platform,
                changes: config.changes, progress: { meter.show($0) })
            meter.finish()
        } catch {
            meter.finish()
            throw ConfigChangeOptions.shown(error)
        }
        for warning in image.warnings { Terminal.note("\(warning)") }
        Terminal.write("\(image.id)\n")
    }

    private func rootFileSystem() throws -> RootFileSystemSource {
        guard source != "-" else { return .local(archiveInput(nil)) }
        let environment = ProcessInfo.processInfo.environment
        return try RootFileSystemSource(source, environment: environment)
    }
}

struct SaveCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "save", abstract: "Write images as an archive or an OCI layout.",
        discussion: """
            Docker, Podman, Buildah, skopeo and umoci read what it writes. The same images give the \
            same bytes.

              vitrine save app | docker load
              vitrine save -o app.tar --format oci-archive app:1 app:2
              vitrine save -o layout --format oci-dir app
              vitrine save --format rootfs app | tar -t
            """)
    enum Format: String, ExpressibleByArgument, CaseIterable {
        case docker = "docker-archive"
        case oci = "oci-archive"
        case directory = "oci-dir"
        case rootfs
    }
    enum LayerCompression: String, ExpressibleByArgument, CaseIterable { case none, gzip, zstd }

    @OptionGroup var store: StoreOptions
    @Option(
        name: .shortAndLong,
        help: "A file, or a directory for oci-dir; standard output if not given.",
        completion: .file())
    var output: String?
    @Option(help: "docker-archive, oci-archive, oci-dir, or rootfs (the files as a plain tar).")
    var format = Format.docker
    @Option(
        help: "How layers are compressed: none, gzip or zstd (which Docker before 23 cannot read).")
    var compress = LayerCompression.none
    @OptionGroup var platform: ImagePlatformOptions
    @Argument(help: "Images, by name or ID.") var images: [String]

    func validate() throws {
        if format == .directory, output == nil {
            throw ValidationError("--format oci-dir needs a directory: --output DIR")
        }
        if images.isEmpty { throw ValidationError("name at least one image") }
        if output == nil, Terminal.outputIsTerminal {
            throw ValidationError("an archive is not for a terminal; use --output or a pipe")
        }
    }

    func run() throws {
        let target: ArchiveTarget = output.map { .path($0) } ?? .descriptor(STDOUT_FILENO)
        let options = SaveOptions(
            layerCompression: compress == .gzip ? .gzip : compress == .zstd ? .zstd : .none)
        let meter = ArchiveMeter("saving")
        defer { meter.finish() }
        let destination: SaveTarget =
            switch format {
            case .docker: .archive(.docker, target)
            case .oci: .archive(.oci, target)
            case .directory: .layout(directory: output ?? ".")
            case .rootfs: .rootFileSystem(target)
            }
        let engine = try store.engine(.existing)
        if !platform.platform.isEmpty {
            for image in images { _ = try platform.image(image, engine) }
        }
        try engine.save(
            images, to: destination, options: options, progress: { meter.show($0) })
    }
}

/// The input that a path names; nil is standard input.
private func archiveInput(_ path: String?) -> ArchiveInput {
    path.map { .path($0) } ?? .descriptor(STDIN_FILENO, name: "standard input")
}

/// No archive is typed in.
private func refuseTerminal(_ path: String?) throws {
    if path == nil, Terminal.inputIsTerminal {
        throw ValidationError("standard input is a terminal; name a file, or use a pipe")
    }
}

/// A line on the terminal that tells how far the reading or writing of an archive is.
final class ArchiveMeter {
    private let verb: String
    private let isShown: Bool
    private var wasShown = false
    private var lastShown: ContinuousClock.Instant?

    /// As often as an eye can follow.
    private static let pause = Duration.milliseconds(100)

    init(_ verb: String) {
        self.verb = verb
        isShown = Terminal.errorIsTerminal
    }

    func show(_ progress: ArchiveProgress) {
        guard isShown else { return }
        let now = ContinuousClock.now
        if let lastShown, now - lastShown < Self.pause { return }
        lastShown = now
        var text: String
        switch progress.step {
        case .downloading: text = "downloading"
        case .unpacking: text = verb
        case .layer(let number, let count, let id):
            text = "\(verb) layer \(number) of \(count) \(id.digest.short)"
        case .compressing(let id): text = "\(verb): compressing \(id.digest.short)"
        case .writing: text = verb
        case .recording: text = "\(verb): recording"
        }
        if progress.doneBytes > 0 || progress.totalBytes != nil {
            text += " " + HumanSize.decimal(Int64(clamping: progress.doneBytes))
        }
        if let total = progress.totalBytes {
            text += " of " + HumanSize.decimal(Int64(clamping: total))
        }
        Terminal.writeError("\r\u{1B}[K\(text)")
        wasShown = true
    }

    func finish() {
        if wasShown { Terminal.writeError("\r\u{1B}[K") }
        wasShown = false
    }
}
