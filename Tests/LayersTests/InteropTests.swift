import FileTree
import Foundation
import ImageSpec
import Store
import Testing

@testable import Layers

/// Images of buildah, podman, umoci and skopeo, loaded by us; ours, loaded by them.
///
/// They need root, and the tools where they are installed; each has its storage in a temporary
/// directory of the test.
@Suite(.serialized, .enabled(if: getuid() == 0, "the tools need root")) struct InteropTests {
    /// A small root file system with all that a layer can carry.
    static let rootFileSystem = """
        mkdir -p rootfs/bin rootfs/d/sub rootfs/gone rootfs/dev rootfs/lower rootfs/opaque
        echo su > rootfs/bin/su; chmod 4755 rootfs/bin/su
        echo ping > rootfs/bin/ping; setcap cap_net_raw+ep rootfs/bin/ping
        echo linked > rootfs/d/one; ln rootfs/d/one rootfs/d/sub/two; ln rootfs/d/one rootfs/three
        ln rootfs/bin/ping rootfs/ping4; ln rootfs/bin/ping rootfs/a-ping
        ln -s ../d/one rootfs/bin/link; mkfifo rootfs/fifo; mknod rootfs/dev/null c 1 3
        mknod rootfs/dev/block b 8 17
        echo gone > rootfs/gone/x; echo keep > rootfs/d/keep; echo a > rootfs/opaque/a
        chown 12:34 rootfs/d/keep; touch -d @1500000000.25 rootfs/d/keep; chmod 1777 rootfs/lower
        printf 'utf' > "$(printf 'rootfs/\\303\\244')"; head -c 100000 /dev/zero > rootfs/zeros
        """

    /// What a second layer changes below `$m`: all kinds of replacement.
    static let changes = """
        rm -r $m/gone $m/three $m/opaque; echo new > $m/d/new; rm -r $m/d/sub
        mkdir $m/d/sub; echo z > $m/d/sub/z; chmod 2750 $m/lower; mkdir $m/opaque
        echo b > $m/opaque/b; rm $m/fifo; mkdir $m/fifo; echo in > $m/fifo/in
        ln $m/bin/su $m/bin/sudo; rm $m/zeros; ln -s nowhere $m/zeros
        """

    static func tool(_ name: String) -> String {
        "\(name) --root $PWD/root --runroot $PWD/run --storage-driver vfs"
    }

    /// podman takes no `--runroot` of more than 50 characters.
    static func withShortDirectory<Result>(_ body: (URL) throws -> Result) throws -> Result {
        let name = String(UInt32.random(in: 0 ... .max), radix: 36)
        let directory = URL(fileURLWithPath: "/tmp/layers-\(name)")
        try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: false)
        defer {
            // A leftover among temporary files is no failure of what was tested.
            try? FileManager.default.removeItem(at: directory)
        }
        return try body(directory)
    }

    static func missing(_ tools: String...) -> Bool { !tools.allSatisfy(TarTool.isInstalled) }

    /// A host's directory, as its tree would be listed.
    static func hostListing(_ path: String) throws -> [String] {
        try withStore { store, lease in
            let directories = PendingDirectories(base: store)
            var reader = HostTreeReader(
                ingest: try store.ingest(lease), directories: directories, progress: nil)
            return try TreeListing.lines(of: try reader.read(path), in: directories)
        }
    }

    /// The mount point or directory that a command prints last.
    static func path(_ output: [UInt8]) -> String {
        let lines = String(decoding: output, as: UTF8.self).split(separator: "\n")
        return lines.last.map { $0.trimmingCharacters(in: .whitespaces) } ?? ""
    }

    static func shell(_ script: String, _ directory: URL) throws -> [UInt8] {
        try TarTool.run("sh", ["-euc", script], in: directory)
    }

    @Test(
        "an image of buildah is its own here",
        .enabled(if: !missing("buildah", "setcap"), "buildah is not installed"),
        arguments: ["docker-archive", "oci-archive"])
    func buildah(transport: String) throws {
        let buildah = Self.tool("buildah")
        try Self.withShortDirectory { directory in
            let mount = Self.path(
                try Self.shell(
                    Self.rootFileSystem + """

                        c=$(\(buildah) from scratch); \(buildah) add -q $c rootfs /
                        \(buildah) commit -q --rm $c base > /dev/null
                        c=$(\(buildah) from base); m=$(\(buildah) mount $c)
                        \(Self.changes)
                        \(buildah) config --cmd /bin/su --env A=b $c
                        \(buildah) commit -q --rm $c demo:1 > /dev/null
                        \(buildah) push -q demo:1 \(transport):$PWD/archive:demo:1
                        \(buildah) inspect --type image --format '{{.FromImageID}}' demo:1 > id
                        \(buildah) mount $(\(buildah) from demo:1)
                        """, directory))
            let wanted = try Self.hostListing(mount)
            let id = try String(contentsOf: directory.appendingPathComponent("id"), encoding: .utf8)
            try withStore { store, lease in
                let archive = directory.appendingPathComponent("archive")
                let images = try ImageLoader(store, lease: lease).load(.path(archive.path))
                let image = try #require(images.first)
                #expect(image.id.digest.hex == id.trimmingCharacters(in: .newlines))
                #expect(image.record.layerCount == 2)
                // In a Docker archive under two domains.
                #expect(Set(image.names.map(\.tag)) == ["1"])
                let found = try store.listing(of: try store.tree(of: image.record))
                #expect(difference(found, wanted) == [])
            }
        }
    }

    @Test(
        "an image of umoci is its own here",
        .enabled(if: !missing("umoci", "setcap"), "umoci is not installed"))
    func umoci() throws {
        try Self.withShortDirectory { directory in
            _ = try Self.shell(
                Self.rootFileSystem + """

                    umoci init --layout layout; umoci new --image layout:one
                    umoci unpack --image layout:one bundle; cp -a rootfs/. bundle/rootfs
                    umoci repack --image layout:one bundle
                    umoci unpack --image layout:one second; m=second/rootfs
                    \(Self.changes)
                    umoci repack --image layout:two second
                    umoci unpack --image layout:two result
                    """, directory)
            try withStore { store, lease in
                let layout = directory.appendingPathComponent("layout").path
                for (tag, bundle, layers) in [("one", "second", 1), ("two", "result", 2)] {
                    let images = try ImageLoader(
                        store, lease: lease, options: LoadOptions(name: tag)
                    ).load(.path(layout))
                    let image = try #require(images.first)
                    #expect(image.record.layerCount == layers)
                    // The second bundle was changed after it was unpacked.
                    guard tag == "two" else { continue }
                    let wanted = try Self.hostListing(
                        directory.appendingPathComponent("\(bundle)/rootfs").path)
                    let found = try store.listing(of: try store.tree(of: image.record))
                    #expect(difference(found, wanted) == [])
                }
            }
        }
    }

    /// A store with an image of a layer that came from elsewhere and a canonical one on top.
    static func withImage(
        _ body: (Store, Lease, ImageToSave, URL) throws -> Void
    ) throws {
        try Self.withShortDirectory { directory in
            _ = try shell(
                rootFileSystem + "\ncp -a rootfs changed; m=changed\n" + changes
                    + "\ntar -C rootfs --xattrs --xattrs-include='*' -cf base.tar .", directory)
            try withStore { store, lease in
                func url(_ name: String) -> String { directory.appendingPathComponent(name).path }
                let options = ImportOptions(created: .epoch)
                let base = try RootFileSystemImport(store, lease: lease, options: options)
                    .run(.path(url("base.tar")))
                let changed = try RootFileSystemImport(store, lease: lease, options: options)
                    .run(.path(url("changed")))
                let (old, new) = (
                    try store.tree(of: base.record), try store.tree(of: changed.record)
                )
                let canonical = try LayerExport(store).canonicalDigest(from: old, to: new)
                let layer = LayerRecord(
                    parent: base.record.chainID, diffID: canonical.diffID, tree: new,
                    recipe: nil, tarSizeBytes: canonical.tarSizeBytes)
                try store.insert(
                    layer, directories: PendingDirectories(base: store), lease: lease)
                var config = try store.config(of: base.id).config
                config.diffIDs.append(canonical.diffID)
                let name = try Reference(parsing: "localhost/vitrine-demo:1")
                let layers = try store.layers(upTo: layer.chainID)
                let record = try store.insertImage(
                    config: config.encoded,
                    manifest: ImageManifest.uncompressed(config: config.encoded, layers: layers)
                        .encoded, chainID: layer.chainID, layerCount: 2, createdAt: 0,
                    names: [name])
                #expect(try store.listing(of: new) == hostListing(url("changed")))
                try body(store, lease, ImageToSave(record, names: [name]), directory)
            }
        }
    }

    @Test(
        "podman takes what is saved",
        .enabled(if: !missing("podman", "setcap"), "podman is not installed"),
        arguments: ImageArchiveFormat.allCases, [MediaType.Compression.none, .gzip])
    func podman(format: ImageArchiveFormat, compression: MediaType.Compression) throws {
        let podman = Self.tool("podman")
        try Self.withImage { store, lease, item, directory in
            let archive = directory.appendingPathComponent("archive").path
            try ImageSaver(
                store, lease: lease, options: SaveOptions(layerCompression: compression)
            ).save([item], as: format, to: .path(archive))
            let mount = Self.path(
                try Self.shell(
                    """
                    \(podman) load -q -i archive >&2
                    \(podman) image inspect --format '{{.Id}}' localhost/vitrine-demo:1 > id
                    \(podman) image mount localhost/vitrine-demo:1
                    """, directory))
            let id = try String(contentsOf: directory.appendingPathComponent("id"), encoding: .utf8)
            #expect(id.trimmingCharacters(in: .newlines) == item.image.id.digest.hex)
            let wanted = try store.listing(of: try store.tree(of: item.image))
            let differing = difference(try Self.hostListing(mount), wanted)
            #expect(differing == [])
            // What podman saves comes back as the same image.
            let saved = format == .docker ? "docker-archive" : "oci-archive"
            _ = try Self.shell(
                "\(podman) save -q --format \(saved) -o again localhost/vitrine-demo:1; "
                    + "\(podman) image umount -a >&2", directory)
            try withStore { other, lease in
                let again = try ImageLoader(other, lease: lease)
                    .load(.path(directory.appendingPathComponent("again").path))
                #expect(again.map(\.id) == [item.image.id])
                #expect(again.first?.names == item.names)
            }
        }
    }

    @Test(
        "umoci unpacks what is saved",
        .enabled(if: !missing("umoci", "setcap"), "umoci is not installed"),
        arguments: [MediaType.Compression.none, .gzip])
    func umociUnpack(compression: MediaType.Compression) throws {
        try Self.withImage { store, lease, item, directory in
            let layout = directory.appendingPathComponent("layout").path
            try ImageSaver(
                store, lease: lease, options: SaveOptions(layerCompression: compression)
            ).saveLayout([item], to: layout)
            _ = try Self.shell(
                "umoci unpack --image layout:1 bundle", directory)
            let found = try Self.hostListing(
                directory.appendingPathComponent("bundle/rootfs").path)
            let wanted = try store.listing(of: try store.tree(of: item.image))
            #expect(difference(found, wanted) == [])
        }
    }

    @Test(
        "skopeo copies what is saved, and its copies load",
        .enabled(if: !missing("skopeo", "setcap"), "skopeo is not installed"))
    func skopeo() throws {
        try Self.withImage { store, lease, item, directory in
            func url(_ name: String) -> String { directory.appendingPathComponent(name).path }
            let saver = ImageSaver(store, lease: lease)
            try saver.save([item], as: .docker, to: .path(url("docker.tar")))
            try saver.save([item], as: .oci, to: .path(url("oci.tar")))
            try saver.saveLayout([item], to: url("layout"))
            let name = "localhost/vitrine-demo:1"
            for (source, target) in [
                ("docker-archive:docker.tar:\(name)", "docker-archive:a:\(name)"),
                ("oci-archive:oci.tar:1", "oci-archive:b:\(name)"),
                ("oci:layout:1", "oci:c:\(name)"),
                ("oci:layout:1", "docker-archive:d:\(name)"),
            ] {
                let inspected = try TarTool.run(
                    "skopeo", ["inspect", "--config", "--raw", source], in: directory)
                #expect(inspected == (try store.config(of: item.image.id).bytes), "\(source)")
                try TarTool.run(
                    "skopeo", ["--insecure-policy", "copy", "-q", source, target], in: directory)
                try withStore { other, lease in
                    let place = target.split(separator: ":")[1]
                    let copied = try ImageLoader(other, lease: lease).load(.path(url("\(place)")))
                    // An OCI image becomes a Docker image with another config on the way to "d".
                    if place != "d" { #expect(copied.map(\.id) == [item.image.id]) }
                    #expect(copied.first?.names == item.names)
                    let tree = try #require(try copied.first.map { try other.tree(of: $0.record) })
                    #expect(tree.id == (try store.tree(of: item.image)).id)
                }
            }
        }
    }
}
