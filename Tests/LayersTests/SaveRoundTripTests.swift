import FileTree
import Foundation
import ImageSpec
import Layers
import LinuxIO
import Store
import Testing

/// What is saved can be loaded, and is the same image.
@Suite struct SaveRoundTripTests {
    /// A directory of its own with a root file system of small and large files, and two stores.
    private func withImage(
        _ body: (_ directory: String, _ store: Store, _ other: Store, ImageRecord) throws -> Void
    ) throws {
        let directory = NSTemporaryDirectory() + "vitrine-save-\(UInt64.random(in: .min ... .max))"
        defer { try? HostDirectory.removeAll(directory) }
        try HostDirectory.makeAll(directory + "/rootfs/d")
        // Sizes around the saver's buffer, each after a few small pieces.
        for (index, size) in [0, 1, 511, 512, 100_000, 131_072, 140_000, 262_144, 700_000]
            .enumerated()
        {
            let bytes = (0..<size).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ index) }
            try HostDirectory.replaceFile(directory + "/rootfs/d/\(index)", with: bytes)
            try HostDirectory.replaceFile(directory + "/rootfs/d/\(index)-small", with: [1, 2, 3])
        }
        let store = try Store(root: directory + "/one")
        let other = try Store(root: directory + "/two")
        let lease = try store.lease("test")
        let name = try Reference(parsing: "app:1")
        // By way of a tar, so that the layer has a recipe.
        let tar = directory + "/rootfs.tar"
        let made = try RootFileSystemImport(
            store, lease: lease, options: ImportOptions(created: .epoch)
        ).run(.path(directory + "/rootfs"))
        try ImageSaver(store, lease: lease).saveRootFileSystem(
            try store.tree(of: made.record), to: .path(tar))
        let image = try RootFileSystemImport(
            store, lease: lease, options: ImportOptions(created: .epoch, names: [name])
        ).run(.path(tar))
        try body(directory, store, other, image.record)
    }

    @Test(arguments: ImageArchiveFormat.allCases)
    func `a large file after gathered small ones keeps its place`(
        format: ImageArchiveFormat
    ) throws {
        try withImage { directory, store, other, image in
            let lease = try store.lease("save")
            let name = try Reference(parsing: "app:1")
            let archive = directory + "/saved.tar"
            try ImageSaver(store, lease: lease).save(
                [ImageToSave(image, names: [name])], as: format, to: .path(archive))
            let loaded = try ImageLoader(other, lease: try other.lease("load"))
                .load(.path(archive))
            #expect(loaded.map(\.id) == [image.id])
            #expect(loaded.flatMap(\.names) == [name])
            #expect(try other.tree(of: loaded[0].record).id == store.tree(of: image).id)
            #expect(try Verifier(other).run().problems == [])
        }
    }

    @Test func `two stores save the same bytes`() throws {
        try withImage { directory, store, other, image in
            let name = try Reference(parsing: "app:1")
            let (first, second) = (directory + "/a.tar", directory + "/b.tar")
            try ImageSaver(store, lease: try store.lease("save")).save(
                [ImageToSave(image, names: [name])], as: .docker, to: .path(first))
            let loaded = try ImageLoader(other, lease: try other.lease("load")).load(.path(first))
            try ImageSaver(other, lease: try other.lease("save")).save(
                [ImageToSave(loaded[0].record, names: [name])], as: .docker, to: .path(second))
            #expect(FileManager.default.contentsEqual(atPath: first, andPath: second))
        }
    }

    @Test func `an archive cut short anywhere brings no image`() throws {
        try withImage { directory, store, other, image in
            let archive = directory + "/saved.tar"
            try ImageSaver(store, lease: try store.lease("save")).save(
                [ImageToSave(image, names: [try Reference(parsing: "app:1")])], as: .docker,
                to: .path(archive))
            let whole = try Data(contentsOf: URL(fileURLWithPath: archive))
            for tenth in 0..<10 {
                let cut = directory + "/cut.tar"
                let length = whole.count * tenth / 10 + tenth * 7
                try whole.prefix(length).write(to: URL(fileURLWithPath: cut))
                #expect(throws: (any Error).self) {
                    try ImageLoader(other, lease: try other.lease("load")).load(.path(cut))
                }
                #expect(try other.images() == [])
            }
        }
    }
}
