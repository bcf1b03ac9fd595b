/// Whether processes of a container were killed for want of memory: asked when they are gone, and the
/// control group is still there.
package struct MemoryWatch: Sendable {
    private let groups: ControlGroups

    /// - Parameter processID: of the first process, as the host numbers it.
    /// - Returns: nil when there is no such process any more.
    package init?(of processID: Int32) {
        guard let groups = ControlGroups(of: processID) else { return nil }
        self.groups = groups
    }

    package var ranOut: Bool { (ControlGroupFigures(groups).outOfMemoryKills ?? 0) > 0 }
}
