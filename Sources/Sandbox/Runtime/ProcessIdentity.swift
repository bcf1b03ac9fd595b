/// Names that no other process, and no second call in this one, makes.
enum ProcessIdentity {
    /// Random, for process numbers come again, and are the same in several process namespaces.
    static var token: String { String(UInt64.random(in: .min ... .max), radix: 16) }
}
