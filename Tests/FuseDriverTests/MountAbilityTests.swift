import Glibc
import Testing

@testable import FuseDriver

/// How a process can mount.
@Suite
struct MountAbilityTests {
    private func ability(
        root: Bool, capable: Bool = false, namespace: Bool = false, device: Int32 = 0,
        helper: Bool = true, passthrough: Bool = true
    ) -> MountAbility {
        MountAbility(
            MountAbility.Circumstances(
                isRoot: root, mayAdministrate: capable, isInUserNamespace: namespace,
                deviceError: device, hasHelper: helper, hasPassthrough: passthrough))
    }

    @Test func `who may mount how is told apart`() {
        #expect(ability(root: true, capable: true) == .direct)
        #expect(
            ability(root: true, capable: true, passthrough: false) == .directWithoutPassthrough)
        #expect(ability(root: true, capable: true, namespace: true) == .directInUserNamespace)
        #expect(ability(root: true, namespace: true) == .missingCapability)
        #expect(ability(root: true) == .missingCapability)
        #expect(ability(root: false) == .helper)
        #expect(ability(root: false, helper: false) == .missingHelper)
        #expect(ability(root: true, capable: true, device: ENOENT) == .missingDevice)
        #expect(ability(root: false, device: EACCES) == .closedDevice(errno: EACCES))
        #expect(
            ability(root: false, device: EACCES).description
                == "/dev/fuse cannot be opened (error 13: Permission denied); it is usually open "
                + "to everyone: chmod 666 /dev/fuse")
    }
}
