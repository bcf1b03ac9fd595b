package import ImageSpec
package import LinuxIO

/// Opens objects for those who hand the open files on: nobody can write through them, not even the
/// kernel on behalf of a program that has the file open in passthrough.
package struct ObjectReader: ~Copyable, Sendable {
    private let objects: ReadOnlyDirectory

    package init(_ layout: StoreLayout) throws(Errno) {
        objects = try ReadOnlyDirectory(opening: layout.objects)
    }

    package func open(_ object: Digest) throws(Errno) -> OwnedDescriptor {
        try objects.open(StoreLayout.objectName(object))
    }
}
